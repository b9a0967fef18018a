import { Database, type SQLiteValue } from 'node-sqlite3-wasm'

const schema = `
create table customers (id integer primary key, name text, email text, "update" text);
create table categories (id integer primary key, parent_id int, name text);
create table products (id integer primary key, name text, price numeric);
create table orders (
  id integer primary key autoincrement, customer_id int references customers, status text, total numeric,
  placed_at text default current_timestamp, note text);
create index orders_status on orders (status) where status is not null;
create table order_items (order_id int, product_id int, quantity int);
create table events (id integer primary key, kind text, payload text);
create index events_n on events (json_extract(payload, '$.n'));
create table employees (id int, name text, salary numeric, department text);
create table one_column (a);
create table words (current, key, replace, action, plan, query, temp);
create table "Select" ("from" int, "Drop Table" text);
create virtual table articles using fts5(title, body);
create view paid_orders as select * from orders where status = 'paid';
insert into customers values (1, 'Grant', 'g@example.com', 'x'), (2, 'Dr. Drop', null, null);
insert into categories values (1, null, 'all'), (2, 1, 'tools');
insert into products values (1, 'saw', 9.5);
insert into orders (customer_id, status, total) values (1, 'open', 10), (2, 'paid', 20);
insert into events values (1, 'login', '{"user": {"id": 1}, "tags": ["a"]}'), (2, 'update', '{"n": 2}');
insert into employees values (1, 'Ada', 100, 'a'), (2, 'Bob', 50, 'a');
insert into "Select" values (1, 'truncate');
insert into articles values ('hello', 'all about sqlite'), ('drop', 'nothing');
`

/** The shop in a SQLite of its own, in memory. */
export interface SqliteShop {
  /** The rows of one statement; the driver runs the first of several. Parameters are bound to nulls. */
  run(statement: string): readonly unknown[]
  bind(statement: string, values: unknown[]): readonly unknown[]
  /** Changes with the content, the schema, the transaction and whatever of the settings a statement may change. */
  fingerprint(): string
  close(): void
}

const settings = [
  'user_version',
  'application_id',
  'journal_mode',
  'query_only',
  'foreign_keys',
  'cache_size',
]
const tables = ['sqlite_master', 'orders', 'customers', 'events', 'articles', 'sqlite_sequence']

export function openSqliteShop(): SqliteShop {
  const database = new Database(':memory:')
  database.exec(schema)
  return {
    run: (statement) => database.all(statement),
    bind: (statement, values) => database.all(statement, values as SQLiteValue[]),
    fingerprint: () =>
      JSON.stringify([
        tables.map((table) => database.all(`select * from ${table}`)),
        settings.map((setting) => database.all(`pragma ${setting}`)),
        database.all(`select total_changes(), file from pragma_database_list where name <> 'temp'`),
        database.inTransaction,
      ]),
    close: () => database.close(),
  }
}

/** A small database of a shop, with what people keep in one: an enum, a composite type, JSON, arrays, odd names. */
export const postgresShop = `
create schema app;
set search_path = app;
create type order_status as enum ('open', 'paid', 'shipped');
create type address as (street text, city text);
create domain positive as int check (value > 0);
create table customers (
  id int primary key, name text not null, email text, city text, "update" text, tags text[] default '{}',
  home address, created_at timestamptz default now());
create table categories (id int primary key, parent_id int, name text);
create table products (id int primary key, name text, price numeric(10, 2), attributes jsonb, category_id int);
create table orders (
  id int generated always as identity, customer_id int, status order_status, total numeric(10, 2),
  placed_at timestamptz default now(), note text);
create table order_items (order_id int, product_id int, quantity int, price numeric(10, 2));
create table events (id bigint, kind text, payload jsonb, at timestamptz default now());
create table employees (id int, name text, manager_id int, salary numeric, department text);
create table "Select" ("from" int, "Drop Table" text);
create table documents (id int, body text, search tsvector, region int4range, ip inet, raw xml);
insert into customers (id, name, email, city, "update", tags, home) values
  (1, 'Grant', 'grant@example.com', 'Oslo', 'x', '{vip,new}', row('Main St', 'Oslo')),
  (2, 'Dr. Drop O''Table', null, 'Paris', null, '{}', null);
insert into categories values (1, null, 'all'), (2, 1, 'tools'), (3, 2, 'saws');
insert into products values (1, 'saw', 9.5, '{"color": "red", "sizes": [1, 2]}', 3), (2, 'nail', 0.1, '{}', 2);
insert into orders (customer_id, status, total, note) values (1, 'open', 10, 'please; delete'), (2, 'paid', 20, null);
insert into order_items values (1, 1, 1, 9.5), (1, 2, 5, 0.1), (2, 2, 200, 0.1);
insert into events values (1, 'login', '{"user": {"id": 1}, "tags": ["a"]}'), (2, 'update', '{"n": 2}');
insert into employees values (1, 'Ada', null, 100, 'a'), (2, 'Bob', 1, 50, 'a'), (3, 'Cy', 2, 60, 'b');
insert into "Select" values (1, 'truncate');
insert into documents values (1, 'to be or not', to_tsvector('to be or not'), '[1,5)', '10.0.0.1', '<a><b>1</b></a>');
create view paid_orders as select * from orders where status = 'paid';
create function distance(a int, b int) returns int language sql immutable as 'select abs(a - b)';
create function purge(c customers) returns text language plpgsql volatile as
  $$ begin delete from app.order_items; return 'purged'; end $$;
`

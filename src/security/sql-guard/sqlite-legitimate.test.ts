import { afterAll, describe, expect, it } from 'vitest'
import { openSqliteShop } from '../../../test/security/sql/sqlite-shop.js'
import { checkReadOnly } from './check-read-only.js'

/** A label, and a statement. */
type Case = readonly [label: string, statement: string]

// What analysts and models write; each also runs on a real SQLite.

const plain: readonly Case[] = [
  ['a constant', 'select 1'],
  ['a semicolon at the end', 'select 1;'],
  ['semicolons and comments at the end', 'select 1 ;; -- done\n/* really */'],
  ['a comment that is not closed', 'select 1 /* the end'],
  ['capitals', "SELECT * FROM Orders WHERE Status = 'open'"],
  ['VALUES', "values (1, 'a'), (2, 'b')"],
  ['a comment first', '-- delete from orders\nselect 1'],
  ['a keyword as a value', "select * from events where kind = 'update' or kind like '%drop by%'"],
  ['a statement as a value', "select 'drop table orders; --' as joke"],
  ['a quote in a string', "select 'it''s; DROP TABLE orders'"],
  ['a backslash in a string', "select 'C:\\', '\\d'"],
  ['a blob', "select x'ff00', X''"],
  ['hexadecimal numbers', 'select 0xff, 1e3, .5, 5., 1_000_000'],
  ['a column named update', 'select "update", [update], `update` from customers'],
  ['a table named Select', 'select "from", "Drop Table" from "Select"'],
  ['brackets and backticks', 'select [Drop Table], `Drop Table` from [Select] as `s`'],
  ['a quote in a name', 'select 1 as "a""b", 2 as `a``b`'],
  ['an alias that is a string', "select 1 as 'delete', 2 'update'"],
  ['a name like Grant', "select * from customers where name = 'Grant' or name like 'Dr. Drop%'"],
  ['text in other scripts', "select 'naïve — 日本語 👩‍👩‍👧', 'می‌خواهم'"],
  ['a name in another script', 'select 1 as größe, 2 as 日本'],
  ['a schema', 'select main.orders.id, o.total from main.orders, main.orders as o'],
  ['parameters', 'select ?1, ?, :a, @b, $c'],
  ['words that are no keywords here', 'select current, key, replace, action, plan, query, temp from words'],
  ['the schema', "select name, sql from sqlite_master where type = 'table'"],
  ['the schema by its newer name', 'select * from sqlite_schema union all select * from sqlite_temp_schema'],
  ['rowid', 'select rowid, oid, _rowid_ from orders'],
  ['a view', 'select * from paid_orders'],
]

const clauses: readonly Case[] = [
  [
    'joins',
    'select c.name, o.total from customers c join orders o on o.customer_id = c.id left outer join order_items i on i.order_id = o.id',
  ],
  ['other joins', 'select * from customers natural join orders cross join products'],
  [
    'RIGHT and FULL joins',
    'select * from customers right join orders using (id) full outer join products using (id)',
  ],
  [
    'joins in brackets',
    'select * from (customers c join orders o on o.customer_id = c.id) left join (products) on 1',
  ],
  ['a comma', 'select * from customers, orders where customers.id = customer_id'],
  ['a subquery', 'select * from (select id, total * 2 as double from orders) where double > 10'],
  ['INDEXED BY', 'select * from orders indexed by orders_status where status = 1'],
  ['NOT INDEXED', 'select * from orders not indexed'],
  [
    'GROUP BY and HAVING',
    'select status, count(*), sum(total) from orders group by status having count(*) > 0',
  ],
  ['HAVING alone', 'select count(*) from orders having count(*) > 0'],
  [
    'ORDER BY, LIMIT and OFFSET',
    'select * from orders order by placed_at desc nulls last, 1 asc limit 10 offset 0',
  ],
  ['LIMIT with a comma', 'select * from orders limit 1, 5'],
  ['LIMIT by a subquery', 'select * from orders limit (select count(*) from customers)'],
  ['DISTINCT', 'select distinct status from orders'],
  ['ALL', 'select all status from orders'],
  ['UNION', "select name from customers union select name from products union all select 'x' order by 1"],
  ['INTERSECT and EXCEPT', 'select id from orders intersect select id from customers except select 9'],
  ['compound VALUES', 'values (1), (2) union all select 3'],
  [
    'WITH',
    'with big as (select * from orders where total > 5), n(c) as (select count(*) from big) select * from n',
  ],
  [
    'WITH MATERIALIZED',
    'with a as materialized (select 1 as x), b as not materialized (select 2 as y) select * from a, b',
  ],
  [
    'WITH RECURSIVE',
    'with recursive t(id, depth) as (select id, 0 from categories where parent_id is null union all select c.id, depth + 1 from categories c join t on c.parent_id = t.id) select * from t',
  ],
  [
    'a count by WITH RECURSIVE',
    'with recursive n(i) as (values (1) union all select i + 1 from n where i < 10) select sum(i) from n',
  ],
  ['WITH in a subquery', 'select * from (with a as (select 1) select * from a)'],
  [
    'window functions',
    'select name, rank() over (partition by department order by salary desc), lag(salary, 1, 0) over w, ntile(4) over w from employees window w as (order by id)',
  ],
  [
    'window frames',
    'select sum(salary) over (order by id rows between unbounded preceding and current row exclude ties), avg(salary) over (order by id groups between 1 preceding and 1 following), max(salary) over (order by salary range 10 preceding) from employees',
  ],
  [
    'a window from a window',
    'select sum(salary) over (w rows 1 preceding) from employees window w as (order by id)',
  ],
  [
    'FILTER',
    "select count(*) filter (where status = 'open') as open, sum(total) filter (where total > 1) over () from orders group by id",
  ],
  [
    'ordered aggregates',
    "select group_concat(name, ', ' order by name desc), group_concat(distinct name) from customers",
  ],
  ['EXPLAIN', 'explain select * from orders'],
  ['EXPLAIN QUERY PLAN', 'explain query plan select * from orders join customers using (id)'],
  ['EXPLAIN of WITH', 'explain query plan with a as (select 1) select * from a'],
]

const expressions: readonly Case[] = [
  [
    'CASE',
    "select case when total > 15 then 'big' else 'small' end, case status when 'open' then 1 end from orders",
  ],
  [
    'a scalar subquery',
    'select (select count(*) from orders), exists (select 1 from orders), not exists (select 1 where 0)',
  ],
  [
    'IN',
    "select 1 in (1, 2), 1 not in (), id in (select id from customers), 'a' in (values ('a')) from orders",
  ],
  ['IN a table', 'select 1 in one_column, 1 not in main.one_column'],
  [
    'row values',
    'select (1, 2) = (1, 2), (1, 2) < (2, 1), (id, total) in (select id, total from orders) from orders',
  ],
  ['LIKE', "select name like 'G%', name not like '50\\%' escape '\\', name glob 'G*' from customers"],
  ['BETWEEN', 'select * from orders where total between 1 and 20 and total not between 30 and 40'],
  [
    'IS',
    'select 1 is null, 1 is not null, 1 isnull, 1 notnull, 1 not null, 1 is 2, 1 is not 2, null is distinct from 1, 1 is not distinct from 1',
  ],
  ['true and false', 'select true, false, 1 is true, 0 is not false'],
  [
    'operators',
    "select 1 - -1, +1, ~5, not 1, 5 % 2, 1 << 2, 5 & 3 | 8, 'a' || 'b', 1 <> 2, 1 != 2, 1 == 1, 2 * (3 + 4) / 5.0",
  ],
  [
    'CAST',
    "select cast('1' as integer), cast(1 as text), cast(1.5 as numeric(10, 2)), cast(x'61' as blob), cast(1 as unsigned big int)",
  ],
  ['COLLATE', "select * from customers where name = 'grant' collate nocase order by name collate binary"],
  [
    'JSON',
    "select json_extract(payload, '$.user.id'), payload -> 'user' ->> 'id', payload ->> '$.tags[0]', json_array_length(payload, '$.tags'), json_type(payload), json_valid(payload), json_set(payload, '$.a', json('[1]')), json_patch(payload, '{}'), json_object('a', 1), json_array(1, 2), json_quote('a'), jsonb(payload), json_pretty(payload) from events",
  ],
  ['JSON aggregates', 'select json_group_array(id), json_group_object(name, id) from customers'],
  ['json_each', "select e.id, j.key, j.value, j.atom from events e, json_each(e.payload, '$.tags') j"],
  ['json_tree', "select fullkey, type from events, json_tree(events.payload) where type = 'integer'"],
  ['json_each in IN', "select 2 in (select value from json_each('[1, 2]'))"],
  [
    'dates',
    "select date('now', '-7 days'), datetime('now', 'localtime'), time('now'), julianday('now'), unixepoch(), strftime('%Y-%m', placed_at), timediff('2026-01-01', '2025-01-01'), current_date, current_time, current_timestamp from orders",
  ],
  [
    'text',
    "select upper(name), lower(name), length(name), substr(name, 1, 3), substring(name, 2), instr(name, 'a'), replace(name, 'a', 'b'), trim(name), ltrim(name, 'G'), rtrim(name), printf('%05d', id), format('%.2f', 1), hex(name), unhex('ff'), quote(name), char(65, 66), unicode(name), concat('a', 1), concat_ws(',', 'a', 'b'), octet_length(name) from customers",
  ],
  [
    'numbers',
    'select abs(-1), round(total, 1), max(1, 2), min(1, 2), sign(-1), ceil(1.5), floor(1.5), sqrt(4), power(2, 3), mod(5, 2), ln(2), log(10), log2(8), exp(1), pi(), sin(0), degrees(pi()), trunc(1.5), random(), abs(random()) % 6 + 1 from orders',
  ],
  [
    'nulls and types',
    "select coalesce(null, 1), ifnull(null, 1), nullif(1, 1), iif(1, 'a', 'b'), typeof(1), likely(1), unlikely(0)",
  ],
  [
    'aggregates',
    'select count(*), count(distinct status), sum(total), total(total), avg(total), min(total), max(total) from orders',
  ],
  [
    'identifiers',
    'select hex(randomblob(16)), lower(hex(zeroblob(2))), last_insert_rowid(), changes(), sqlite_version(), sqlite_source_id()',
  ],
  ['functions in quotes', 'select "count"(*), [abs](-1), `upper`(\'a\') from orders'],
  [
    'full text',
    "select highlight(articles, 0, '<b>', '</b>'), snippet(articles, 1, '', '', '…', 5), bm25(articles), rank from articles where articles match 'sqlite OR title:drop*' order by rank",
  ],
  ['full text by an operator', "select * from articles where title match 'hello'"],
  ['an index of an expression', "select * from events where json_extract(payload, '$.n') = 2"],
  ['printf with a percent sign', "select printf('%d%%', 50)"],
  [
    'a long IN',
    `select * from orders where id in (${Array.from({ length: 2_000 }, (_, index) => index).join(', ')})`,
  ],
  [
    'many alternatives',
    `select * from orders where ${Array.from({ length: 300 }, (_, index) => `id = ${index}`).join(' or ')}`,
  ],
]

const catalogue: readonly Case[] = [
  ['pragma_table_info', "select name, type, pk from pragma_table_info('orders')"],
  ['pragma_table_info with a schema', "select * from pragma_table_info('orders', 'main')"],
  ['pragma_table_info by a hidden column', "select * from pragma_table_info where arg = 'orders'"],
  [
    'columns of all tables',
    "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table'",
  ],
  ['columns with what is hidden', "select * from pragma_table_xinfo('orders')"],
  ['pragma_table_list', 'select * from pragma_table_list'],
  ['pragma_index_list', "select * from pragma_index_list('orders'), pragma_index_info('orders_status')"],
  ['pragma_foreign_key_list', "select * from pragma_foreign_key_list('orders')"],
  ['integrity', 'select * from pragma_integrity_check, pragma_quick_check, pragma_foreign_key_check'],
  ['sizes', 'select page_count * page_size from pragma_page_count(), pragma_page_size()'],
  ['dbstat', 'select name, sum(pgsize) from dbstat group by name'],
  [
    'what there is',
    'select * from pragma_function_list union all select name, 1, 1, 1, 1, 1 from pragma_module_list',
  ],
  ['versions', 'select user_version from pragma_user_version union all select * from pragma_application_id'],
  ['compile options', "select * from pragma_compile_options where compile_options like 'ENABLE%'"],
  ['in capitals', "SELECT * FROM PRAGMA_TABLE_INFO('orders')"],
  ['sequences', 'select * from sqlite_sequence'],
]

const families: readonly (readonly [string, readonly Case[]])[] = [
  ['plain statements', plain],
  ['clauses', clauses],
  ['expressions', expressions],
  ['the catalogue', catalogue],
]

/** What other builds of SQLite have. */
const elsewhere: readonly Case[] = [
  ['generate_series', 'select value from generate_series(1, 10, 2)'],
  ['REGEXP', "select * from customers where name regexp '^G'"],
  ['percentiles', 'select median(total), percentile(total, 90), percentile_cont(total, 0.5) from orders'],
  ['WITHIN GROUP', 'select percentile_cont(0.9) within group (order by total) from orders'],
  ['FTS4', "select snippet(mail), offsets(mail), matchinfo(mail) from mail where mail match 'a'"],
  ['R-trees', "select id from boxes where min_x >= 1 and max_x <= 5 and rtreecheck('boxes') = 'ok'"],
  ['jsonb_each', "select * from jsonb_each('[1]')"],
  ['statistics', 'select * from sqlite_stat1, sqlite_stat4'],
  ['soundex', "select soundex('a')"],
]

const allFamilies: typeof families = [...families, ['other builds', elsewhere]]

describe.each(allFamilies)('SQLite: %s', (_family, cases) => {
  it.each(cases)('are allowed: %s', async (_label, statement) => {
    expect(await checkReadOnly(statement, { dialect: 'sqlite' })).toEqual({ ok: true })
  })
})

describe('SQLite, on a real one', () => {
  const shop = openSqliteShop()
  afterAll(() => shop.close())

  describe.each(families)('%s', (_family, cases) => {
    it.each(cases)('run: %s', (_label, statement) => {
      const before = shop.fingerprint()
      expect(shop.run(statement)).toBeInstanceOf(Array)
      expect(shop.fingerprint()).toBe(before)
    })
  })
})

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { loadRecipe, type Recipe } from '../../../test/security/sql/recipe.js'
import { openWorld, type World } from '../../../test/security/sql/world.js'
import { checkReadOnly } from './check-read-only.js'

/** A label, and a statement. */
type Case = readonly [label: string, statement: string]

// What analysts and models write. Where there is a PostgreSQL, each also runs through all layers of docs/sql.md.

const plain: readonly Case[] = [
  ['a constant', 'select 1'],
  ['a semicolon at the end', 'select 1;'],
  ['semicolons and comments at the end', 'select 1 ;; -- done\n/* really */'],
  ['capitals', "SELECT * FROM Orders WHERE Status = 'open'"],
  ['VALUES', "values (1, 'a'), (2, 'b')"],
  ['TABLE', 'table customers'],
  ['brackets around it', '(select 1)'],
  ['a comment first', '-- delete from orders\nselect 1'],
  ['a nested comment', 'select /* drop /* table */ orders; */ 1'],
  ['no columns', 'select from orders'],
  ['a keyword as a value', "select * from events where kind = 'update' or kind ilike '%drop by%'"],
  ['a statement as a value', "select 'drop table orders; --' as joke"],
  ['a dollar quote', "select $$it's; DROP TABLE orders$$, $x$ $$ $x$"],
  ['an E string', "select E'a\\'b; delete'"],
  ['a Unicode string', "select U&'\\0441\\043B\\043E\\043D'"],
  ['a backslash as the escape', "select * from orders where note like '50\\%' escape '\\'"],
  ['a bit string', "select b'101', x'1f'"],
  ['a column named update', 'select "update" from customers'],
  ['a table named Select', 'select "from", "Drop Table" from "Select"'],
  ['an alias that is a keyword', 'select 1 as "delete", 2 as insert, 3 as update'],
  ['a name like Grant', "select * from customers where name = 'Grant' or name like 'Dr. Drop%'"],
  ['text in other scripts', "select 'naïve — 日本語 👩‍👩‍👧', 'می‌خواهم'"],
  ['a name in another script', 'select 1 as größe, 2 as "日本"'],
  ['a schema', 'select o.id from app.orders o'],
  ['a database, a schema and a column', 'select app.orders.id from app.orders'],
  ['parameters', 'select $1::int + $2'],
  ['ONLY', 'select * from only orders'],
  ['a view', 'select * from paid_orders'],
  ['an alias with columns', 'select x.a from (values (1, 2)) as x(a, b)'],
]

const clauses: readonly Case[] = [
  [
    'joins',
    'select c.name, o.total from customers c join orders o on o.customer_id = c.id left join order_items i on i.order_id = o.id',
  ],
  [
    'other joins',
    'select * from customers natural full join employees right join orders using (id) cross join products',
  ],
  [
    'LATERAL',
    'select * from customers c, lateral (select max(total) from orders o where o.customer_id = c.id) m',
  ],
  ['a join with its alias', 'select x.id from orders join customers using (id) as x'],
  [
    'GROUP BY and HAVING',
    'select status, count(*), sum(total) from orders group by status having count(*) > 0',
  ],
  [
    'GROUPING SETS',
    'select status, customer_id, grouping(status), sum(total) from orders group by grouping sets ((status), (customer_id), ())',
  ],
  ['ROLLUP and CUBE', 'select status, sum(total) from orders group by rollup (status), cube (customer_id)'],
  ['GROUP BY DISTINCT', 'select status from orders group by distinct rollup (status, id), rollup (status)'],
  ['ORDER BY, LIMIT and OFFSET', 'select * from orders order by placed_at desc nulls last limit 10 offset 0'],
  ['FETCH FIRST', 'select * from orders order by total fetch first 5 rows with ties'],
  ['ORDER BY USING', 'select * from orders order by total using >'],
  ['DISTINCT', 'select distinct status from orders'],
  ['DISTINCT ON', 'select distinct on (customer_id) * from orders order by customer_id, placed_at desc'],
  ['UNION', "select name from customers union select name from products union all select 'x'"],
  [
    'INTERSECT and EXCEPT',
    '(select id from orders intersect select id from customers) except all select 9 order by 1',
  ],
  [
    'WITH',
    'with big as (select * from orders where total > 5), n as (select count(*) c from big) select * from n',
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
    'SEARCH',
    'with recursive t(id) as (select 1 union all select c.id from categories c, t where c.parent_id = t.id) search depth first by id set path select * from t',
  ],
  [
    'CYCLE',
    'with recursive t(id) as (select 1 union all select c.id from categories c, t where c.parent_id = t.id) cycle id set looped using path select * from t',
  ],
  [
    'window functions',
    'select name, salary, rank() over (partition by department order by salary desc), lag(salary, 1) over w, sum(salary) over (w rows between unbounded preceding and current row exclude ties) from employees window w as (order by id)',
  ],
  [
    'window frames',
    'select avg(salary) over (order by id groups between 1 preceding and 1 following), first_value(name) over (order by salary range between 10 preceding and current row) from employees',
  ],
  ['FILTER', "select count(*) filter (where status = 'open') as open from orders"],
  [
    'ordered aggregates',
    "select string_agg(name, ', ' order by name desc), array_agg(distinct city) from customers",
  ],
  [
    'WITHIN GROUP',
    'select percentile_cont(0.5) within group (order by total), mode() within group (order by status) from orders',
  ],
  [
    'CASE',
    "select case when total > 15 then 'big' else 'small' end, case status when 'open' then 1 end from orders",
  ],
  [
    'a scalar subquery',
    'select (select count(*) from orders), exists (select 1 from orders where total > 100)',
  ],
  [
    'IN, ANY and ALL',
    'select * from orders where id in (select id from customers) and id = any (array[1, 2]) and total >= all (values (1.0), (2.0))',
  ],
  [
    'LIKE ANY',
    "select * from customers where name like any (array['G%', 'D%']) or name not similar to '(a|b)%'",
  ],
  [
    'BETWEEN',
    "select * from orders where total between 1 and 20 and total not between symmetric 9 and 1 and placed_at between now() - interval '1 year' and now()",
  ],
  [
    'IS DISTINCT FROM',
    'select 1 is distinct from null, 1 is not distinct from 2, true is not unknown, null isnull',
  ],
  ['row values', 'select row(1, 2) = (1, 2), (1, 2) < (2, 1), row(customers.*) from customers'],
  [
    'OVERLAPS',
    "select (date '2026-01-01', date '2026-02-01') overlaps (date '2026-01-15', interval '1 month')",
  ],
  ['TABLESAMPLE', 'select * from orders tablesample bernoulli (50) repeatable (1)'],
  ['TABLESAMPLE SYSTEM', 'select count(*) from orders tablesample system (10)'],
  [
    'COLLATE',
    'select name from customers order by name collate "C", lower(name) collate pg_catalog."default"',
  ],
  ['EXPLAIN', 'explain select * from orders'],
  [
    'EXPLAIN with options',
    'explain (analyze, costs off, buffers, format json) select * from orders join customers using (id)',
  ],
  ['EXPLAIN ANALYZE', 'explain analyze verbose select count(*) from orders'],
  ['SHOW', 'show server_version'],
  ['SHOW with a longer name', 'show transaction isolation level'],
  ['SHOW TIME ZONE', 'show time zone'],
  ['SHOW ALL', 'show all'],
]

const expressions: readonly Case[] = [
  [
    'replace()',
    "select replace(name, 'a', 'b'), translate(name, 'abc', 'xyz'), overlay(name placing 'x' from 1 for 2) from customers",
  ],
  [
    'text',
    "select upper(name), initcap(name), trim(both ' ' from name), substring(name from 1 for 3), position('a' in name), left(name, 2) || '…', split_part(name, ' ', 1), format('%s-%I', name, city), concat_ws(',', name, city), lpad(name, 10, '*'), reverse(name), md5(name), length(name) from customers",
  ],
  [
    'regular expressions',
    "select name ~* '^g', regexp_replace(name, '(\\w)', '\\1', 'g'), (regexp_match(name, 'r(.)'))[1] from customers",
  ],
  ['regular expressions as rows', "select m[1] from customers, regexp_matches(name, '[aeiou]', 'g') m"],
  [
    'numbers',
    'select round(total, 1), ceil(total), floor(-total), abs(-1), power(2, 3), sqrt(4), mod(5, 2), 5 % 2, 2 ^ 3, |/ 4, @ -5, 1 << 2, 5 & 3, ~1, width_bucket(5, 0, 10, 5), greatest(1, 2), least(1, 2), nullif(1, 1), coalesce(null, 1), random() from orders',
  ],
  [
    'dates',
    "select now(), current_date, current_timestamp(0), date_trunc('month', placed_at), extract(epoch from placed_at), date_part('dow', placed_at), placed_at + interval '1 day 2 hours', age(placed_at), to_char(placed_at, 'YYYY-MM-DD'), placed_at at time zone 'Europe/Oslo', make_date(2026, 1, 1), localtime, clock_timestamp() from orders",
  ],
  [
    'date series',
    "select d::date from generate_series('2026-01-01'::timestamptz, '2026-01-10', interval '1 day') d",
  ],
  [
    'casts',
    "select '1'::int, cast('2026-01-01' as date), date '2026-01-01', 1::numeric(10, 2), '{1,2}'::int[], interval '1' day, 'a'::varchar(5), float8 '1.5', int4(1.5), text(1), '1'::double precision",
  ],
  [
    'names of types as functions',
    "select date('2026-01-01'), float8(1), uuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), inet('10.0.0.1'), jsonb('{}')",
  ],
  [
    'an enum',
    "select 'open'::order_status, status = 'paid'::app.order_status, enum_range(null::order_status) from orders",
  ],
  ['a domain', 'select 5::positive'],
  ['a composite type', "select (home).city, (c.home).street, (row('a', 'b')::address).city from customers c"],
  ['all fields', 'select (home).*, (json_each(\'{"a": 1}\')).key from customers'],
  [
    'arrays',
    "select array[1, 2] || 3, (array[1, 2, 3])[2:3], tags[1], array_length(tags, 1), 'vip' = any(tags), unnest(tags), array(select id from orders), array_to_string(tags, ','), tags @> array['vip'], cardinality(tags), array_position(tags, 'vip') from customers",
  ],
  ['arrays as rows', 'select t, n from customers, unnest(tags) with ordinality as u(t, n)'],
  [
    'ROWS FROM',
    'select * from rows from (generate_series(1, 3), json_to_record(\'{"a": 1}\') as (a int)) with ordinality',
  ],
  [
    'JSON',
    "select payload -> 'user' ->> 'id', payload #>> '{user,id}', payload @> '{\"n\": 2}', payload ? 'n', payload ?| array['a', 'n'], payload - 'n', jsonb_set(payload, '{a}', '1'), jsonb_typeof(payload), payload['user']['id'], jsonb_path_query_array(payload, '$.tags[*]'), payload @? '$.n', payload @@ '$.n == 2' from events",
  ],
  ['JSON as rows', 'select key, value from events, jsonb_each_text(payload)'],
  [
    'JSON of rows',
    "select row_to_json(c), to_jsonb(c), json_build_object('id', id, 'n', name), jsonb_agg(c order by id), json_object_agg(id, name) from customers c group by c.id",
  ],
  ['a record', 'select * from jsonb_to_recordset(\'[{"a": 1}]\') as x(a int, b text collate "C")'],
  ['a record of a table', 'select * from jsonb_populate_record(null::customers, \'{"id": 5}\')'],
  ['a row as JSON by a field', 'select c.row_to_json from customers c'],
  [
    'full text',
    "select ts_rank(search, q), ts_headline(body, q) from documents, websearch_to_tsquery('english', 'be or not') q where search @@ q or search @@ to_tsquery('be & !x')",
  ],
  [
    'ranges',
    "select region @> 3, region && int4range(2, 9), lower(region), isempty(region), tstzrange(now(), null), int4multirange(region), region -|- '[5,6)' from documents",
  ],
  ['networks', "select ip << inet '10.0.0.0/8', host(ip), masklen(ip), family(ip), ip + 1 from documents"],
  [
    'geometry',
    "select point(1, 2) <-> point(3, 4), box '((0,0),(1,1))' @> point '(0.5,0.5)', circle(point(0, 0), 1) && circle '<(1,1),1>'",
  ],
  [
    'XML',
    "select xpath('//b/text()', raw), xmlelement(name a, xmlattributes(id as id), body), xmlforest(id, body), xmlserialize(content raw as text), raw is document, xmlexists('//b' passing raw), xmlparse(document '<a/>') from documents",
  ],
  [
    'XMLTABLE',
    "select x.* from documents, xmltable('//b' passing raw columns b int path '.', n for ordinality, d text default 'none') x",
  ],
  [
    'bytes',
    "select encode(sha256('a'), 'hex'), decode('ff', 'hex'), convert_from('a'::bytea, 'utf8'), get_byte('a'::bytea, 0), octet_length('a')",
  ],
  [
    'identifiers',
    'select gen_random_uuid(), hashtext(name), quote_ident(name), quote_literal(name) from customers',
  ],
  [
    'statistics',
    'select corr(total, id), stddev(total), variance(total), regr_slope(total, id), covar_pop(total, id), bool_and(total > 1), every(total > 0), bit_or(id) from orders',
  ],
  [
    'null handling',
    "select num_nulls(1, null), 1 is null, null is not null, coalesce(email, 'none') from customers",
  ],
  ['named arguments', 'select make_interval(days => 10), make_interval(hours := 2)'],
  ['VARIADIC', "select concat(variadic array['a', 'b']), json_build_array(variadic array[1, 2])"],
  [
    'pg_catalog by name',
    "select pg_catalog.lower('A'), pg_catalog.count(*), 1 operator(pg_catalog.+) 2, 'a' operator(pg_catalog.||) 'b'",
  ],
  [
    'session values',
    'select current_user, session_user, current_database(), current_schema, current_schemas(true), user, current_role, current_catalog',
  ],
  ['NORMALIZE', "select normalize('é', nfd), 'é' is nfc normalized, collation for ('a'::text)"],
  ['numbers of other bases', 'select to_hex(255), 1e3, .5, 5., 0::bit(3)'],
  [
    'operators in a row',
    "select 1 - -1, +1, not not true, - - 1, 'a' || 'b' || 'c', 2 * (3 + 4) - 5 / 2.0 <> 1",
  ],
  ['a count of distinct rows', 'select count(distinct (customer_id, status)) from orders'],
]

const catalogue: readonly Case[] = [
  [
    'the tables',
    "select table_name, column_name, data_type from information_schema.columns where table_schema = 'app'",
  ],
  [
    'pg_class',
    "select c.relname, c.reltuples, pg_size_pretty(pg_total_relation_size(c.oid)), obj_description(c.oid) from pg_class c join pg_namespace n on n.oid = c.relnamespace where relkind = 'r'",
  ],
  [
    'columns',
    "select a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum) from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum where a.attrelid = 'app.orders'::regclass",
  ],
  ['constraints', 'select conname, pg_get_constraintdef(oid), conrelid::regclass from pg_constraint'],
  ['indexes', 'select indexname, indexdef from pg_indexes'],
  [
    'definitions',
    "select pg_get_viewdef('app.paid_orders'::regclass), pg_get_functiondef('app.distance'::regproc)",
  ],
  [
    'enum labels',
    "select enumlabel from pg_enum e join pg_type t on t.oid = e.enumtypid where typname = 'order_status'",
  ],
  ['statistics of tables', 'select relname, seq_scan, n_live_tup from pg_stat_user_tables'],
  ['statistics of columns', 'select attname, n_distinct, most_common_vals from pg_stats'],
  ['activity', 'select pid, state, wait_event from pg_stat_activity where pid <> pg_backend_pid()'],
  ['locks', 'select locktype, mode from pg_locks'],
  ['settings', "select name, setting from pg_settings where name like 'work%'"],
  ['current_setting', "select current_setting('server_version_num')::int, current_setting('TimeZone', true)"],
  ['roles', 'select rolname from pg_roles'],
  ['sizes', 'select pg_size_pretty(pg_database_size(current_database())), version(), pg_is_in_recovery()'],
  ['privileges', "select has_table_privilege('app.orders', 'select'), to_regclass('app.nothing')"],
  ['time zones', "select name from pg_timezone_names where name = 'UTC'"],
]

const families: readonly (readonly [string, readonly Case[]])[] = [
  ['plain statements', plain],
  ['clauses', clauses],
  ['expressions', expressions],
  ['the catalogue', catalogue],
]

/** Read by the parser of PostgreSQL 18; the server of the tests may be older. */
const newer: readonly Case[] = [
  ['digits with separators', 'select 1_000, 1_500.25 as x'],
  [
    'JSON_TABLE',
    "select * from events, json_table(payload, '$' columns (n int path '$.n' default 0 on empty, nested path '$.tags[*]' columns (tag text path '$')))",
  ],
  [
    'JSON_VALUE',
    "select json_value(payload, '$.n' returning int default 1 on error), json_query(payload, '$.tags' with wrapper), json_exists(payload, '$.n') from events",
  ],
  [
    'JSON constructors',
    "select json_object('a': 1, 'b': 2 absent on null with unique keys), json_array(1, 2), json_array(select id from orders), json_arrayagg(id order by id), json_objectagg('k': id) from orders",
  ],
  [
    'IS JSON',
    "select '{}' is json object, '1' is not json array, json('{}'), json_scalar(1), json_serialize('{}')",
  ],
  [
    'functions of 16 to 18',
    "select any_value(id), array_sort(array[2, 1]), uuidv7(), random(1, 6), casefold('A'), pg_input_is_valid('1', 'int') from orders",
  ],
  ['SYSTEM_USER', 'select system_user'],
  ['numbers of other bases', 'select 0xff, 0b11, 0o17'],
  [
    'EXPLAIN of an unknown plan',
    'explain (generic_plan, memory, serialize text) select * from orders where id = $1',
  ],
]

const allFamilies: typeof families = [...families, ['what is newer', newer]]

describe.each(allFamilies)('PostgreSQL: %s', (_family, cases) => {
  it.each(cases)('are allowed: %s', async (_label, statement) => {
    expect(await checkReadOnly(statement, { dialect: 'postgres' })).toEqual({ ok: true })
  })
})

const databaseUrl = inject('databaseUrl')

if (databaseUrl !== undefined) {
  describe('PostgreSQL, through all layers', () => {
    let world: World
    let recipe: Recipe
    beforeAll(async () => {
      recipe = await loadRecipe()
      world = await openWorld(databaseUrl)
    })
    afterAll(async () => world.close())

    describe.each(families)('%s', (_family, cases) => {
      it.each(cases)('run: %s', async (_label, statement) => {
        const values = statement.includes('$1') ? [1, 2] : []
        const { rows } = await recipe.query(world.readers, statement, values)
        expect(rows).toBeInstanceOf(Array)
      })
    })
  })
}

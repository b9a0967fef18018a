import fc from 'fast-check'

const column = fc.constantFrom('id', 'name', 'total', '"from"', 'o.id', 'note')
const table = fc.constantFrom('orders o', 'customers o', 'app.orders as o', '"Select" o')
const literal = fc.constantFrom('1', "'a'", "'it''s; drop table x'", 'null', '0.5', "''", "'--'", "'/*'")
const space = fc.constantFrom(' ', '\n', '\t', ' /* ; delete */ ', ' -- drop\n', '  ')

/**
 * Queries of a grammar that PostgreSQL and SQLite share. `leaf` is put in wherever an expression ends; of columns and
 * tables only the grammar is right, so most would fail when they run.
 */
export function queries(leaf: fc.Arbitrary<string> = fc.oneof(column, literal)): fc.Arbitrary<string> {
  const { query } = fc.letrec<{ expression: string; query: string; from: string }>((tie) => {
    const expression = tie('expression')
    const inner = tie('query')
    const binary = fc
      .tuple(expression, fc.constantFrom('+', '-', '=', '<', '||', 'and', 'or', 'like', 'is not'), expression)
      .map(([left, operator, right]) =>
        operator === 'is not' ? `(${left}) is not null` : `(${left}) ${operator} (${right})`,
      )
    return {
      expression: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'sql' },
        leaf,
        binary,
        fc
          .tuple(fc.constantFrom('lower', 'abs', 'coalesce', 'count', 'max'), expression)
          .map(([f, e]) => `${f}(${e})`),
        fc
          .tuple(expression, expression)
          .map(([when, then]) => `case when ${when} then (${then}) else null end`),
        fc.tuple(expression, inner).map(([e, q]) => `(${e}) in (${q})`),
        inner.map((q) => `exists (${q})`),
        inner.map((q) => `(${q})`),
        expression.map((e) => `cast(${e} as text)`),
        fc.tuple(expression, expression).map(([e, o]) => `sum(${e}) over (partition by ${o} order by ${e})`),
        fc
          .tuple(expression, expression)
          .map(([e, f]) => `count(*) filter (where (${e}) between (${f}) and (${e}))`),
      ),
      from: fc.oneof(
        { maxDepth: 2, depthIdentifier: 'sql' },
        table,
        inner.map((q) => `(${q}) o`),
        fc.tuple(tie('from'), table, expression).map(([f, t, e]) => `${f} left join ${t} on ${e}`),
      ),
      query: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'sql' },
        fc
          .tuple(space, fc.array(expression, { minLength: 1, maxLength: 3 }), tie('from'), expression)
          .map(
            ([s, columns, from, where]) => `select${s}${columns.join(',')}${s}from ${from} where ${where}`,
          ),
        fc.tuple(expression, space).map(([e, s]) => `select${s}${e}`),
        fc.tuple(inner, expression).map(([q, e]) => `with x as (${q}) select ${e} from x`),
        fc.tuple(expression, expression).map(([a, b]) => `select ${a} union all select ${b}`),
        fc
          .tuple(expression, tie('from'), expression)
          .map(
            ([e, f, o]) => `select distinct ${e} from ${f} group by ${e} having ${o} order by ${o} limit 5`,
          ),
        expression.map((e) => `values (${e}), (${e})`),
      ),
    }
  })
  return fc
    .tuple(query, fc.constantFrom('', ';', ' -- end', ' /* end */;', '\n'))
    .map(([text, end]) => text + end)
}

/** Text that is near SQL: words, signs and quotes of both dialects in any order, and any characters in between. */
export const nearSql: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...words()) },
      { weight: 2, arbitrary: fc.string({ maxLength: 4 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
    ),
    { maxLength: 24 },
  )
  .chain((parts) => fc.constantFrom(' ', ' ', '').map((between) => parts.join(between)))

/** Short queries with every kind of text, name and comment in which something else could begin or end. */
const seeds = [
  'select \'a\'\'b\', "c""d" from orders -- e\n where 1 = 1',
  'select 1 /* a /* b */ c */ + 2 from customers',
  "select $$a$$, $b$ ' $b$, E'\\'' from orders",
  'select [a], `b` from "Select"',
  'select 1; ; -- end',
  "select * from orders where note = 'x; delete from orders' limit 1",
  'with x as (select id from orders) select * from x',
  "values (1, 'a'), (2, x'00')",
  'explain select count(*) from orders',
  'select o.total, (o).note, total::text from orders o',
]

/** Queries with some of their characters cut out and words put in: many are still queries, of another meaning. */
export const mutatedQueries: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(fc.constantFrom(...seeds), queries()),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 4 }), fc.constantFrom('', ...words())), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([query, changes]) =>
    changes.reduce((text, [place, cut, word]) => {
      const at = place % (text.length + 1)
      return text.slice(0, at) + word + text.slice(at + cut)
    }, query),
  )

function words(): string[] {
  const text = `select select select from where with as ( ) ( ) , ; orders customers id name total * 1 'a' ' " \` [ ] $$ $1 ?
    delete from orders insert into orders (id) values (7) update orders set total = 0 drop table create table x (a)
    explain analyze pragma vacuum attach returning union all order by limit begin commit set show -- /* */ \\ E' U&"
    load_extension('x') pg_sleep(0) nextval('app.orders_id_seq') count(*) lower(name) json_each('[1]') for update into
    x'00' :: ::int . .id (1).abs -> ->> || + - = pragma_optimize pragma_user_version 0 copy do call lock truncate`
  return [...text.split(/\s+/), '\n', '\r', '\t', '\u00a0', '\ufeff', "''", 'select 1', 'delete from orders']
}

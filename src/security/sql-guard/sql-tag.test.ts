import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { openSqliteShop } from '../../../test/security/sql/sqlite-shop.js'
import { type SqlQuery, sql } from './sql-tag.js'

describe('sql', () => {
  it('binds what stands in it', () => {
    const query = sql`select * from t where a = ${1} and b = ${'x; drop table t'}`
    expect(query).toEqual({
      text: 'select * from t where a = $1 and b = $2',
      values: [1, 'x; drop table t'],
    })
    expect(query.sqlite).toBe('select * from t where a = ? and b = ?')
  })

  it('may have no values', () => {
    expect(sql`select 1`).toEqual({ text: 'select 1', values: [] })
    expect(sql``).toEqual({ text: '', values: [] })
  })

  it('binds arrays, objects, dates, bytes and null as one value each', () => {
    const values = [[1, 2], { a: 1 }, new Date(0), new Uint8Array([1]), null, 1n, true]
    const [list, object, date, bytes, nothing, big, yes] = values
    const query = sql`${list} ${object} ${date} ${bytes} ${nothing} ${big} ${yes}`
    expect(query.text).toBe('$1 $2 $3 $4 $5 $6 $7')
    expect(query.values).toEqual(values)
  })

  it('puts parts together, however deep', () => {
    const filter = sql`a = ${1} and ${sql`b = ${2} or ${sql`c = ${3}`}`}`
    const query = sql`select ${0} where ${filter} limit ${4}`
    expect(query.text).toBe('select $1 where a = $2 and b = $3 or c = $4 limit $5')
    expect(query.values).toEqual([0, 1, 2, 3, 4])
    expect(query.sqlite).toBe('select ? where a = ? and b = ? or c = ? limit ?')
  })

  it('takes a part twice', () => {
    const part = sql`(${1}, ${2})`
    expect(sql`${part}, ${part}`).toEqual({ text: '($1, $2), ($3, $4)', values: [1, 2, 1, 2] })
  })

  it('cannot be changed', () => {
    const query = sql`select ${1}`
    expect(() => Object.assign(query, { text: 'drop table t' })).toThrow(TypeError)
    expect(() => query.values.push(2)).toThrow(TypeError)
  })

  it('takes nothing but its own for a part', () => {
    const forged = { text: 'drop table t', values: [], sqlite: 'drop table t' }
    const copied = { ...sql`drop table t` }
    const inherited = Object.create(sql`drop table t`) as object
    const query = sql`${forged} ${copied} ${inherited}`
    expect(query.text).toBe('$1 $2 $3')
    expect(query.values).toEqual([forged, copied, inherited])
  })

  it.each([
    [
      'undefined',
      undefined,
      'Value 2 of the statement cannot be bound, got undefined; use null for no value.',
    ],
    ['a function', () => 1, 'Value 2 of the statement cannot be bound, got a function.'],
    ['a symbol', Symbol('a'), 'Value 2 of the statement cannot be bound, got a symbol.'],
    ['a promise', Promise.resolve(1), 'Value 2 of the statement cannot be bound, got a promise; await it.'],
  ])('refuses %s', (_label, value, message) => {
    expect(() => sql`select ${1}, ${value}`).toThrow(new TypeError(message))
  })

  it.each([
    ['a text', 'select 1'],
    ['a list', ['select 1']],
    ['nothing', undefined],
    ['what looks like a template', { raw: ['select 1'], 0: 'select 1', length: 1 }],
  ])('is no function: %s', (_label, argument) => {
    const call = sql as unknown as (text: unknown) => SqlQuery
    expect(() => call(argument)).toThrow(/^sql is a tag and takes no string;/)
  })

  it('refuses an escape that has no meaning', () => {
    expect(() => sql`select '\u{}'`).toThrow(/has an escape that JavaScript does not know/)
  })

  it('has at most as many values as the protocol can number', () => {
    const many = Array.from({ length: 65_535 }, (_, index) => index)
    expect(sql.join(many).values).toHaveLength(65_535)
    expect(() => sql.join([...many, 1])).toThrow(/can have 65535 values, got 65536; bind a list as one array/)
    expect(() => sql`${sql.join(many)}, ${1}`).toThrow(RangeError)
  })
})

describe('sql.identifier', () => {
  it('quotes a name that is allowed', () => {
    expect(sql`select ${sql.identifier('name', ['id', 'name'])} from t where id = ${1}`).toEqual({
      text: 'select "name" from t where id = $1',
      values: [1],
    })
    const odd = 'a"b; drop table t --'
    expect(sql.identifier(odd, [odd]).text).toBe('"a""b; drop table t --"')
    expect(sql.identifier('app.t', ['app.t']).text).toBe('"app.t"')
  })

  it.each([
    [
      'another name',
      'password',
      ['id', 'name'],
      'The name "password" is not allowed here; use one of "id, name".',
    ],
    ['other letters', 'ID', ['id'], /not allowed here/],
    ['a name of the prototype', 'constructor', ['id'], /not allowed here/],
    ['a part of a name', 'i', ['id'], /not allowed here/],
    ['no name', undefined, ['id'], /The name nothing is not allowed here/],
    ['a list', ['id'], ['id'], /not allowed here/],
    ['NUL', 'a\0', ['a\0'], /cannot be a name/],
    ['nothing', '', [''], /cannot be a name/],
  ])('refuses %s', (_label, name, allowed, message) => {
    const call = (): SqlQuery => sql.identifier(name as string, allowed)
    expect(call).toThrow(RangeError)
    expect(call).toThrow(message)
  })

  it.each([[undefined], ['id'], [[1]]])('needs a list of names, not %j', (allowed) => {
    expect(() => sql.identifier('id', allowed as unknown as string[])).toThrow(TypeError)
  })
})

describe('sql.join', () => {
  it('takes values and parts', () => {
    expect(sql`id in (${sql.join([1, 2, sql`abs(${3})`])})`).toEqual({
      text: 'id in ($1, $2, abs($3))',
      values: [1, 2, 3],
    })
  })

  it('takes a separator that is a part', () => {
    expect(sql.join([sql`a = ${1}`, sql`b = ${2}`], sql` and `).text).toBe('a = $1 and b = $2')
    expect(sql.join(['x']).text).toBe('$1')
  })

  it.each([
    ['nothing', [], undefined, /at least one value or part, got \[\]/],
    ['no list', 'ab', undefined, /at least one value or part, got "ab"/],
    ['a separator that is a text', [1, 2], '; drop table t; ', /separator .* must be a part/],
    ['a value that cannot be bound', [1, undefined], undefined, /got undefined/],
  ])('refuses %s', (_label, parts, separator, message) => {
    const call = (): SqlQuery => sql.join(parts as unknown[], separator as unknown as SqlQuery)
    expect(call).toThrow(TypeError)
    expect(call).toThrow(message)
  })
})

describe('any value', () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.constantFrom("'", '"', '--', '$1', '?'),
  )

  it('comes back from a database as it was, and changes no text', () => {
    const shop = openSqliteShop()
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const query = sql`select ${sql.join(values)}`
        expect(query.text).toBe(`select ${values.map((_, index) => `$${index + 1}`).join(', ')}`)
        expect(query.sqlite).toBe(`select ${values.map(() => '?').join(', ')}`)
        expect(query.values).toEqual(values)
      }),
      { numRuns: fuzzRuns(300) },
    )
    fc.assert(
      // Halves of surrogate pairs and NUL have no place in a text of SQLite.
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const query = sql`select ${text} as back`
        expect(shop.bind(query.sqlite, query.values)).toEqual([{ back: text }])
      }),
      { numRuns: fuzzRuns(200) },
    )
    shop.close()
  })
})

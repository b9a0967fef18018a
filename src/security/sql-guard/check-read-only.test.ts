import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkReadOnly, type ReadOnlyOptions } from './check-read-only.js'

const postgres = { dialect: 'postgres' } as const
const sqlite = { dialect: 'sqlite' } as const
const dialects = [postgres, sqlite]

describe('the options of checkReadOnly', () => {
  it.each([
    ['none', undefined, /options of checkReadOnly must be an object .* got nothing\.$/],
    ['null', null, /must be an object/],
    ['a text', 'postgres', /must be an object .* got "postgres"\.$/],
    ['no dialect', {}, /"dialect" .* must be "postgres" or "sqlite", got nothing\.$/],
    ['a dialect that is none', { dialect: 'mysql' }, /got "mysql"\.$/],
    ['a dialect from the prototype', { dialect: 'constructor' }, /got "constructor"\.$/],
    ['an unknown option', { dialect: 'sqlite', function: [] }, /no option "function"; the options are/],
    ['functions that are no list', { dialect: 'sqlite', functions: 'f' }, /must be a list .* got "f"\.$/],
    ['a function that is no name', { dialect: 'postgres', functions: [1] }, /function's name .* got 1\.$/],
    ['an empty name', { dialect: 'postgres', functions: [''] }, /got ""\.$/],
    ['an empty part', { dialect: 'postgres', functions: ['app.'] }, /got "app\."\.$/],
    ['a star', { dialect: 'postgres', functions: ['app.f*'] }, /got "app\.f\*"\.$/],
    ['three parts', { dialect: 'postgres', functions: ['a.b.c'] }, /got "a\.b\.c"\.$/],
    ['a call', { dialect: 'postgres', functions: ['f()'] }, /got "f\(\)"\.$/],
    ['an open quote', { dialect: 'postgres', functions: ['"f'] }, /got "\\"f"\.$/],
    ['a schema in SQLite', { dialect: 'sqlite', functions: ['app.f'] }, /such as "distance", got/],
  ])('are refused with a sentence: %s', async (_label, options, message) => {
    const check = checkReadOnly('select 1', options as unknown as ReadOnlyOptions)
    await expect(check).rejects.toThrow(TypeError)
    await expect(check).rejects.toThrow(message)
  })
})

describe('functions of the caller', () => {
  it.each([
    ['distance', 'select distance(1, 2)', true],
    ['distance', 'select DISTANCE(1, 2)', true],
    ['DISTANCE', 'select distance(1, 2)', true],
    ['distance', 'select app.distance(1, 2)', false],
    ['app.distance', 'select app.distance(1, 2)', true],
    ['app.distance', 'select distance(1, 2)', false],
    ['app.distance', 'select other.distance(1, 2)', false],
    ['app.distance', 'select "app.distance"(1, 2)', false],
    ['"Distance"', 'select "Distance"(1, 2)', true],
    ['"Distance"', 'select distance(1, 2)', false],
    ['app."Distance"', 'select app."Distance"(1, 2)', true],
    ['"a.b"', 'select "a.b"(1)', true],
    ['"a.b"', 'select a.b(1)', false],
    ['größe', 'select größe(1)', true],
    ['app.<=>', 'select 1 operator(app.<=>) 2', true],
    ['app.<=>', 'select 1 operator(other.<=>) 2', false],
    ['pg_sleep', 'select pg_sleep(1), (o.total).pg_sleep from orders o', true],
    ['current_setting', "select current_setting('app.tenant')", true],
  ])('PostgreSQL: with %s, %s', async (name, statement, ok) => {
    expect((await checkReadOnly(statement, { ...postgres, functions: [name] })).ok).toBe(ok)
  })

  it.each([
    ['distance', 'select distance(1, 2)', true],
    ['Distance', 'select dISTANCE(1, 2)', true],
    ['distance', 'select "distance"(1, 2)', true],
    ['distance', 'select distances(1, 2)', false],
    ['splits', "select * from splits('a b')", true],
  ])('SQLite: with %s, %s', async (name, statement, ok) => {
    expect((await checkReadOnly(statement, { ...sqlite, functions: [name] })).ok).toBe(ok)
  })
})

describe('a refusal', () => {
  it.each([
    [7, 'The statement must be a text, got 7.'],
    [undefined, 'The statement must be a text, got nothing.'],
    [['select 1'], 'The statement must be a text, got ["select 1"].'],
  ])('says what is no text: %j', async (statement, reason) => {
    for (const options of dialects) {
      expect(await checkReadOnly(statement as unknown as string, options)).toEqual({ ok: false, reason })
    }
  })

  it('shows nothing that a terminal would obey, and no more than a line', async () => {
    for (const options of dialects) {
      const verdict = await checkReadOnly(`select "\u001b[31m\u202e${'x'.repeat(60)}\n"(1)`, options)
      expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(/^The function "x+…?.*\.$/) })
      const wrong = await checkReadOnly(`select '\u001b[31m${'\u202ey'.repeat(1_000)}`, options)
      expect(wrong).toMatchObject({ ok: false, reason: expect.not.stringMatching(/[\u001b\u202e\n]/) })
      expect(JSON.stringify(wrong).length).toBeLessThan(400)
    }
  })

  it('comes for what is longer than 65,536 bytes, in bytes of UTF-8', async () => {
    const filled = (character: string, count: number): string => `select '${character.repeat(count)}'`
    for (const options of dialects) {
      expect(await checkReadOnly(filled('x', 65_536 - 9), options)).toEqual({ ok: true })
      for (const text of [filled('x', 65_536 - 8), filled('日', 22_000), filled('x', 5_000_000)]) {
        expect(await checkReadOnly(text, options)).toMatchObject({
          ok: false,
          reason: expect.stringContaining('is longer than the 65536 bytes'),
        })
      }
    }
  })
})

describe('a parser that is not installed', () => {
  afterEach(() => {
    vi.doUnmock('libpg-query')
    vi.doUnmock('sqlite3-parser')
    vi.resetModules()
  })

  it.each([
    ['libpg-query', postgres],
    ['sqlite3-parser', sqlite],
  ])('is named: %s', async (name, options) => {
    vi.resetModules()
    vi.doMock(name, () => {
      throw Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' })
    })
    const fresh = await import('./check-read-only.js')
    await expect(fresh.checkReadOnly('select 1', options)).rejects.toThrow(`run "npm install ${name}".`)
  })
})

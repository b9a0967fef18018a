import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileSchema, warmUp } from './compile.js'
import { explanationsOf } from './validators.js'

const options = { role: 'input', owner: 'tool "add"' } as const
const add = compileSchema(
  { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } }, required: ['a', 'b'] },
  options,
)

/** The order of these tests matters: ajv stays loaded once it is, and this file has the modules to itself. */
describe.sequential('before ajv is loaded', () => {
  it('accepts a library schema without ajv, synchronously', () => {
    expect(compileSchema(z.object({ a: z.number() }), options).check({ a: 1 })).toEqual({
      ok: true,
      value: { a: 1 },
    })
    expect(explanationsOf('2020-12') !== undefined).toBe(false)
  })

  it('accepts a plain schema without ajv', async () => {
    const value = { a: 1, b: 2 }
    const result = await add.check(value)
    expect(result).toEqual({ ok: true, value })
    expect(result.ok && result.value).toBe(value)
    expect(explanationsOf('2020-12') !== undefined).toBe(false)
  })

  it('never accepts early what JSON cannot say', async () => {
    const result = add.check({ a: 1, b: Number.POSITIVE_INFINITY })
    expect(result).toBeInstanceOf(Promise)
    expect(await result).toMatchObject({ ok: false, problems: [{ field: 'b' }] })
  })

  it('loads ajv to refuse, and is synchronous from then on', async () => {
    expect(explanationsOf('2020-12') !== undefined).toBe(true)
    await Promise.all([warmUp(), warmUp()])
    expect(add.check({ a: 1, b: 2 })).toEqual({ ok: true, value: { a: 1, b: 2 } })
    expect(add.check({ a: 'x', b: 2 })).toMatchObject({ ok: false })
  })
})

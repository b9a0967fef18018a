import { describe, expect, it } from 'vitest'
import { adviseOnInput } from './advice.js'
import type { JsonSchema } from './json-schema.js'

const owner = 'tool "orders"'
const messages = (json: JsonSchema): readonly string[] => adviseOnInput(json, owner)

describe('adviseOnInput', () => {
  it('has nothing to say about a good one', () => {
    expect(
      messages({
        type: 'object',
        properties: { id: { type: 'string', description: 'Order number' }, at: { $ref: '#/$defs/at' } },
        $defs: { at: { type: 'string', description: 'When' } },
      }),
    ).toEqual([])
    expect(messages({ type: 'object' })).toEqual([])
  })

  it('names undocumented parameters', () => {
    expect(
      messages({ type: 'object', properties: { id: { type: 'string' }, b: true, c: { description: ' ' } } }),
    ).toEqual([
      'tool "orders": the parameters have no description: "id", "b" and "c"; say what it is, with an example.',
    ])
  })

  it('warns of a tool that does everything', () => {
    const action = { enum: ['get', 'put', 'list', 'drop'], description: 'What to do' }
    const id = { type: 'string', description: 'Id' } as const
    expect(messages({ type: 'object', properties: { action, id } })).toEqual([
      'tool "orders" does 4 things by its parameter "action"; make each a tool of its own, with only the parameters it needs.',
    ])
    expect(messages({ type: 'object', properties: { action } })).toEqual([])
    expect(
      messages({ type: 'object', properties: { action: { ...action, enum: ['a', 'b', 'c'] }, id } }),
    ).toEqual([])
  })

  it('counts parameters and levels', () => {
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`p${i}`, { description: 'x' }]))
    expect(messages({ type: 'object', properties: many })[0]).toContain('takes 21 parameters, more than 20')
    let nested: JsonSchema = { type: 'object', properties: { x: {} }, description: 'd' }
    for (let i = 0; i < 5; i += 1) nested = { type: 'object', properties: { a: nested }, description: 'd' }
    expect(messages(nested)).toEqual([])
    expect(messages({ type: 'object', properties: { a: nested } })[0]).toContain('6 levels deep, more than 5')
  })

  it('ends on schemas that contain themselves or share much', () => {
    const $defs: Record<string, JsonSchema> = { d0: { type: 'object', properties: {} } }
    for (let i = 1; i < 30; i += 1) {
      const ref = { $ref: `#/$defs/d${i - 1}` }
      $defs[`d${i}`] = { type: 'object', properties: { a: ref, b: ref } }
    }
    const began = performance.now()
    messages({
      type: 'object',
      properties: { kids: { $ref: '#', description: 'd' }, d: { $ref: '#/$defs/d29' } },
      $defs,
    })
    expect(performance.now() - began).toBeLessThan(3000)
  })

  it('warns of uniqueItems without a bound', () => {
    const ids = { type: 'array', uniqueItems: true, description: 'ids' } as const
    expect(messages({ type: 'object', properties: { ids } })[0]).toContain('add `maxItems`')
    expect(messages({ type: 'object', properties: { ids: { ...ids, maxItems: 9 } } })).toEqual([])
  })
})

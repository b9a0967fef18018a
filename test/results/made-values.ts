import fc from 'fast-check'
import { expect } from 'vitest'
import { sizeOf } from '../../src/engine/result-size.js'
import { isNode } from '../../src/schema/keywords.js'

/** A value and a schema that takes it, with what a cut can run into: least lengths, patterns, enums, closed objects. */
export interface Made {
  readonly schema: Record<string, unknown>
  readonly value: fc.Arbitrary<unknown>
}

const leaf: fc.Arbitrary<Made> = fc.oneof(
  fc.constant({ schema: { type: 'number' }, value: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
  fc.constant({ schema: { type: ['boolean', 'null'] }, value: fc.constantFrom(true, false, null) }),
  fc.constant({ schema: { enum: ['a', 'b'] }, value: fc.constantFrom('a', 'b') }),
  fc.integer({ min: 0, max: 700 }).map((length) => ({
    schema: { type: 'string' },
    value: fc.string({ unit: 'binary', minLength: length, maxLength: length + 50 }),
  })),
  fc.constant({
    schema: { type: 'string', pattern: '^x+$' },
    value: fc.integer({ min: 1, max: 600 }).map((length) => 'x'.repeat(length)),
  }),
  fc.constant({
    schema: { type: 'string', minLength: 300 },
    value: fc.integer({ min: 300, max: 600 }).map((length) => 'é'.repeat(length)),
  }),
)

const { made } = fc.letrec<{ made: Made; list: Made; record: Made }>((tie) => ({
  made: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leaf, tie('list'), tie('record')),
  list: fc.record({ item: tie('made'), least: fc.integer({ min: 0, max: 3 }), more: fc.nat(40) }).map(
    ({ item, least, more }): Made => ({
      schema: { type: 'array', items: item.schema, ...(least > 0 && { minItems: least }) },
      value: fc.array(item.value, { minLength: least, maxLength: least + more }),
    }),
  ),
  record: fc
    .dictionary(fc.constantFrom('rows', 'title', 'näme', 'a.b', '0'), tie('made'), { minKeys: 1 })
    .map((members): Made => {
      const entries = Object.entries(members)
      return {
        schema: {
          type: 'object',
          properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
          required: entries.map(([name]) => name),
          additionalProperties: false,
        },
        value: fc.record(Object.fromEntries(entries.map(([name, { value }]) => [name, value]))),
      }
    }),
}))

export const cases: fc.Arbitrary<{ readonly schema: Record<string, unknown>; readonly value: unknown }> =
  made.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }))
/** All that is in `cut` is in `whole`, and every place where less is in it is among the cuts. */
export function missing(whole: unknown, cut: unknown, path: string, found: string[]): void {
  if (Array.isArray(whole) && Array.isArray(cut)) {
    if (cut.length < whole.length) found.push(`${path}: ${cut.length} of ${whole.length}`)
    for (const [index, item] of cut.entries()) missing(whole[index], item, `${path}[${index}]`, found)
  } else if (isNode(whole) && isNode(cut)) {
    expect(Object.keys(cut)).toEqual(Object.keys(whole))
    for (const key of Object.keys(cut))
      missing(whole[key], cut[key], path === '' ? key : `${path}.${key}`, found)
  } else if (typeof whole === 'string' && typeof cut === 'string' && whole !== cut) {
    expect(whole.startsWith(cut)).toBe(true)
    found.push(`${path}: ${sizeOf(cut).bytes} of ${sizeOf(whole).bytes}`)
  } else expect(cut).toEqual(whole)
}

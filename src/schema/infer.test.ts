import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { InferInput, InferOutput, SchemaLike } from './infer.js'
import { jsonSchema } from './json-schema.js'

/** As a definition does it: a `const` type parameter, both types read from it. */
function both<const S extends SchemaLike>(
  schema: S,
): { input: InferInput<S>; output: InferOutput<S>; schema: S } {
  return { schema } as { input: InferInput<S>; output: InferOutput<S>; schema: S }
}

describe('types from schemas', () => {
  it('reads zod, with defaults and transforms', () => {
    const got = both(
      z.object({ id: z.string(), limit: z.number().default(10), n: z.string().transform(Number) }),
    )
    expectTypeOf(got.input).toEqualTypeOf<{ id: string; limit?: number | undefined; n: string }>()
    expectTypeOf(got.output).toEqualTypeOf<{ id: string; limit: number; n: number }>()
  })

  it('reads arktype', () => {
    const got = both(type({ id: 'string', 'limit?': 'number' }))
    expectTypeOf(got.output).toEqualTypeOf<{ id: string; limit?: number }>()
  })

  it('reads valibot, bare and wrapped', () => {
    const schema = v.object({ id: v.string(), limit: v.optional(v.number(), 10) })
    expectTypeOf(both(schema).output).toEqualTypeOf<{ id: string; limit: number }>()
    const wrapped = both(toStandardJsonSchema(schema))
    expectTypeOf(wrapped.output).toEqualTypeOf<{ id: string; limit: number }>()
    expectTypeOf(wrapped.input).toEqualTypeOf<{ id: string; limit?: number | undefined }>()
  })

  it('reads a literal JSON Schema', () => {
    const got = both({
      type: 'object',
      properties: {
        id: { type: 'string' },
        limit: { type: 'integer', minimum: 1 },
        sort: { enum: ['asc', 'desc'] },
        kind: { const: 'order' },
        note: { type: ['string', 'null'] },
        tags: { type: 'array', items: { type: 'string' } },
        at: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
        free: { type: 'object' },
        odd: { anyOf: [{ type: 'string' }, { type: 'number' }] },
        tuple: { type: 'array', items: [{ type: 'string' }] },
      },
      required: ['id', 'tags', 'at', 'odd'],
      additionalProperties: false,
    })
    expectTypeOf(got.output).toEqualTypeOf<{
      id: string
      tags: string[]
      at: { x: number }
      odd: unknown
      limit?: number
      sort?: 'asc' | 'desc'
      kind?: 'order'
      note?: string | null
      free?: Record<string, unknown>
      tuple?: unknown[]
    }>()
    expectTypeOf(got.input).toEqualTypeOf<typeof got.output>()
  })

  it('takes a type given by hand, and says unknown when it cannot tell', () => {
    const doc = { type: 'object' } as const
    const typed = both(jsonSchema<{ a: 1 }>(doc))
    expectTypeOf(typed.output).toEqualTypeOf<{ a: 1 }>()
    expect(typed.schema).toBe(doc)
    expectTypeOf(both({ $ref: '#/$defs/x' }).output).toEqualTypeOf<unknown>()
    const late: SchemaLike = doc
    expectTypeOf<InferOutput<typeof late>>().not.toBeAny()
  })
})

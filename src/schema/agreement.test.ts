import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import { compileSchema } from './compile.js'
import { plainCopy } from './document.js'
import { interpreterFor, isAgreed, isSmallJson } from './early.js'
import { inspectDocument } from './inspect.js'
import type { JsonSchema } from './json-schema.js'
import { load, Validators, warmUp } from './validators.js'

beforeAll(async () => {
  await warmUp()
  await load('draft-07')
})

const names = fc.constantFrom('a', 'b', 'c', 'constructor', 'toString', 'a/b', '~', '')
const scalars = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    -0,
    1,
    1.5,
    -3,
    100,
    '',
    'a',
    'ab',
    '2026-02-29',
    '2024-02-29',
    true,
    false,
    null,
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
  fc.double(),
)
const pattern = fc.constantFrom('^a', 'b$', '^[a-z]{1,3}$', '\\p{L}', '.', '^.$')
const bound = fc.integer({ min: -5, max: 5 })
const size = fc.integer({ min: 0, max: 4 })

/** Schemas in the subset that the interpreter is asked about. */
const { schema } = fc.letrec<{ schema: Record<string, unknown> }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.record(
      {
        type: fc.oneof(
          fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'array', 'object'),
          fc.constant(['string', 'null']),
          fc.constant(['integer', 'array']),
        ),
        minimum: bound,
        maximum: bound,
        exclusiveMinimum: bound,
        minLength: size,
        maxLength: size,
        pattern,
        format: fc.constant('date'),
      },
      { requiredKeys: [] },
    ),
    fc.record({
      enum: fc.array(
        scalars.filter((s) => JSON.stringify(s) !== 'null' || s === null),
        { minLength: 1, maxLength: 4 },
      ),
    }),
    fc.record({ const: fc.constantFrom<unknown>(0, 1, 'a', true, null) }),
    fc.constant({ $ref: '#/$defs/shared' }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(names, tie('schema'), { maxKeys: 3 }),
        required: fc.uniqueArray(names, { maxLength: 2 }),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
        minProperties: size,
        maxProperties: size,
      },
      { requiredKeys: ['properties'] },
    ),
    fc.record(
      {
        type: fc.constant('array'),
        items: tie('schema'),
        minItems: size,
        maxItems: size,
        prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: ['items'] },
    ),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
  ),
}))

const document = fc.tuple(schema, schema).map(([root, shared]) => ({ ...root, $defs: { shared } }))

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 3 }),
  ),
}))

function copyOf(doc: object): JsonSchema | undefined {
  try {
    const copy = plainCopy(doc, 'it')
    inspectDocument(copy, '2020-12', 'it')
    return copy
  } catch (error) {
    if (error instanceof DefinitionError) return undefined
    throw error
  }
}

describe('the interpreter and ajv', () => {
  it('are of the same mind wherever the interpreter is asked', async () => {
    let accepted = 0
    let refused = 0
    await fc.assert(
      fc.asyncProperty(document, fc.array(value, { minLength: 4, maxLength: 8 }), async (doc, values) => {
        const copy = copyOf(doc)
        if (copy === undefined) return
        const validators = new Validators(copy, '2020-12')
        if (!isAgreed(validators.doc)) return
        const verdict = validators.verdict()
        const interpreter = await interpreterFor(validators.doc)
        for (const item of values) {
          if (!isSmallJson(item)) continue
          const early = interpreter.accepts(item)
          if (early) accepted += 1
          else refused += 1
          expect(early, JSON.stringify([copy, item])).toBe(verdict?.(item))
        }
      }),
      { numRuns: 250, seed: 7 },
    )
    expect(accepted).toBeGreaterThan(100)
    expect(refused).toBeGreaterThan(100)
  }, 60_000)

  it('is not asked where they differ', () => {
    for (const doc of [
      { multipleOf: 0.1 },
      { format: 'email' },
      { not: {} },
      { uniqueItems: true },
      { const: { a: 1 } },
      { enum: [[1]] },
      { properties: { a: { if: true } } },
    ]) {
      expect(isAgreed(doc), JSON.stringify(doc)).toBe(false)
    }
    expect(isAgreed({ properties: { not: { type: 'string', description: 'a' } } })).toBe(true)
  })
})

describe('a document that was looked over', () => {
  /** Anything at all under the names of keywords: most of it wrong, and all of that must be found beforehand. */
  const hostile = fc.dictionary(
    fc.constantFrom(
      ...[
        'type',
        'properties',
        'items',
        'required',
        'enum',
        'const',
        'anyOf',
        'not',
        'if',
        'then',
        'pattern',
        'format',
      ],
      ...[
        'minimum',
        'maxLength',
        'uniqueItems',
        '$ref',
        '$defs',
        '$anchor',
        'contains',
        'minContains',
        'multipleOf',
      ],
      ...[
        'dependentRequired',
        'dependentSchemas',
        'patternProperties',
        'propertyNames',
        'unevaluatedProperties',
      ],
      ...[
        'additionalProperties',
        'prefixItems',
        '$dynamicRef',
        '$dynamicAnchor',
        'default',
        'x-y',
        'nullable',
        '$async',
      ],
      ...['discriminator', 'formatMinimum', '$data', 'id', 'dependencies', 'additionalItems', 'definitions'],
    ),
    fc.oneof(
      value,
      schema,
      fc.dictionary(names, schema, { maxKeys: 2 }),
      fc.array(schema, { maxLength: 2 }),
      fc.constantFrom<unknown>('#', '#/$defs/a', '#a', 'object', 'string', true, 1, ['a'], { a: ['b'] }),
    ),
    { maxKeys: 5 },
  )

  it('always compiles in ajv, and its checks never throw', async () => {
    let compiled = 0
    await fc.assert(
      fc.asyncProperty(hostile, value, async (doc, item) => {
        let check: ReturnType<typeof compileSchema>['check']
        try {
          check = compileSchema(doc as JsonSchema, { role: 'output', owner: 'it' }).check
        } catch (error) {
          expect(error).toBeInstanceOf(DefinitionError)
          return
        }
        compiled += 1
        const result = await check(item)
        if (!result.ok) {
          expect(result.problems.length).toBeGreaterThan(0)
          for (const { message } of result.problems) expect(message).toMatch(/[.?]$/)
        }
      }),
      { numRuns: 600, seed: 11 },
    )
    expect(compiled).toBeGreaterThan(50)
  }, 60_000)
})

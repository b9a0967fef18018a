import { DefinitionError } from '../errors/definition-error.js'
import type { SchemaLike, StandardSchema, StandardSchemaWithJson } from './infer.js'

/** Whether a source is a schema of a library (Standard Schema) and not a JSON Schema document. arktype's are functions. */
export function isStandardSchema(source: SchemaLike): source is StandardSchema {
  if ((typeof source !== 'object' && typeof source !== 'function') || source === null) return false
  const props: unknown = Reflect.get(source, '~standard')
  return typeof props === 'object' && props !== null && typeof Reflect.get(props, 'validate') === 'function'
}

function hasJson(source: StandardSchema): source is StandardSchema & StandardSchemaWithJson {
  const converter: unknown = Reflect.get(source['~standard'], 'jsonSchema')
  return typeof converter === 'object' && converter !== null
}

const MEND: Readonly<Record<string, string>> = {
  valibot: 'wrap it with `toStandardJsonSchema(...)` from `@valibot/to-json-schema`',
  zod: 'upgrade zod to 4.2 or newer',
  arktype: 'upgrade arktype to 2.1.28 or newer',
}

const OTHER =
  'give plain JSON Schema, or use a library that implements Standard JSON Schema (zod, arktype, valibot)'

const TARGET = { target: 'draft-2020-12' } as const

/** Checks narrow what a schema takes and change nothing: leaving them out is right, as zod and arktype do unasked. */
const VALIBOT = {
  ignoreActions: ['check', 'check_items', 'partial_check', 'raw_check', 'every_item', 'some_item'],
}

/**
 * The JSON Schema that a library's schema says of itself: what it takes for an input, what it gives for an output.
 *
 * @throws DefinitionError if the library has none, or cannot say this schema in JSON Schema.
 */
export function jsonSchemaOf(source: StandardSchema, role: 'input' | 'output', what: string): object {
  const { vendor } = source['~standard']
  if (!hasJson(source)) {
    const mend = Object.hasOwn(MEND, vendor) ? MEND[vendor] : undefined
    throw new DefinitionError(`${what} comes from ${vendor} and yields no JSON Schema; ${mend ?? OTHER}.`)
  }
  const converter = source['~standard'].jsonSchema
  const options = vendor === 'valibot' ? { ...TARGET, libraryOptions: VALIBOT } : TARGET
  let doc: unknown
  try {
    doc = role === 'input' ? converter.input(options) : converter.output(options)
  } catch (cause) {
    const said = (cause instanceof Error ? cause.message : String(cause)).trim().split('\n', 1)[0] ?? ''
    const hint =
      role === 'input'
        ? 'use types that JSON has, such as an ISO date string in place of a Date'
        : 'use types that JSON has, and end a transform with `.pipe(...)` into the schema of its result'
    throw new DefinitionError(
      `${what} cannot be said in JSON Schema (${vendor}: ${said.replace(/\.$/, '').slice(0, 200)}); ${hint}.`,
      { cause },
    )
  }
  if (typeof doc !== 'object' || doc === null || Array.isArray(doc)) {
    throw new DefinitionError(`${what} comes from ${vendor} and yields no JSON Schema object; ${OTHER}.`)
  }
  return doc
}

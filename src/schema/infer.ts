import type { StandardJSONSchemaV1, StandardSchemaV1, StandardTypedV1 } from '@standard-schema/spec'
import type { FromJsonSchema, JsonSchema, TypedJsonSchema } from './json-schema.js'

/**
 * A schema of any library that implements Standard Schema. At run time it must implement Standard JSON Schema too
 * (`~standard.jsonSchema`): zod >= 4.2 and arktype do, valibot through `toStandardJsonSchema(...)`. The type does not
 * ask for that, so that a schema without it is refused with a sentence and not with a page of type error.
 */
export type StandardSchema = StandardSchemaV1

/** A Standard Schema that can also say itself as JSON Schema. */
export interface StandardSchemaWithJson {
  readonly '~standard': StandardSchemaV1.Props & StandardJSONSchemaV1.Props
}

/** Everything a definition accepts as `input` or `output`. */
export type SchemaLike = StandardSchema | TypedJsonSchema<unknown> | JsonSchema

/** What a value must be before the schema has seen it. A handler returns this for an output schema. */
export type InferInput<S> = S extends StandardTypedV1 ? StandardTypedV1.InferInput<S> : FromJsonSchema<S>

/** What the schema makes of a value. A handler receives this for an input schema. */
export type InferOutput<S> = S extends StandardTypedV1 ? StandardTypedV1.InferOutput<S> : FromJsonSchema<S>

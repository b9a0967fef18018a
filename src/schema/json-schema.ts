/** The seven names that the `type` keyword knows (JSON Schema 2020-12, validation §6.1.1). */
export type JsonSchemaType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object'

/**
 * A JSON Schema in its object form, draft 2020-12 unless `$schema` says otherwise. Everything is readonly so that a
 * literal under `as const` or a `const` type parameter fits. Keywords that are not listed are allowed and kept.
 */
export interface JsonSchema {
  readonly $schema?: string
  readonly $id?: string
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema | boolean>>
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly writeOnly?: boolean
  readonly type?: JsonSchemaType | readonly JsonSchemaType[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly properties?: Readonly<Record<string, JsonSchema | boolean>>
  readonly required?: readonly string[]
  readonly additionalProperties?: JsonSchema | boolean
  readonly items?: JsonSchema | boolean | readonly (JsonSchema | boolean)[]
  readonly prefixItems?: readonly (JsonSchema | boolean)[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly allOf?: readonly (JsonSchema | boolean)[]
  readonly anyOf?: readonly (JsonSchema | boolean)[]
  readonly oneOf?: readonly (JsonSchema | boolean)[]
  readonly not?: JsonSchema | boolean
  readonly [keyword: string]: unknown
}

declare const described: unique symbol

/** A JSON Schema whose TypeScript type was given by hand, with {@link jsonSchema}. The symbol exists in types only. */
export type TypedJsonSchema<T> = JsonSchema & { readonly [described]: T }

/**
 * Says which TypeScript type a JSON Schema stands for. Use it where the document is not a literal, or says more than
 * {@link FromJsonSchema} reads (composition, references, tuples). It returns the same object; nothing is checked.
 */
export function jsonSchema<T>(doc: JsonSchema): TypedJsonSchema<T> {
  return doc as TypedJsonSchema<T>
}

interface Scalars {
  string: string
  number: number
  integer: number
  boolean: boolean
  null: null
  array: unknown[]
  object: Record<string, unknown>
}

type Required<S> = S extends { readonly required: readonly (infer R)[] } ? R : never

type ObjectOf<P, R> = Flat<
  { -readonly [K in keyof P as K extends R ? K : never]: FromJsonSchema<P[K]> } & {
    -readonly [K in keyof P as K extends R ? never : K]?: FromJsonSchema<P[K]>
  }
>

type Flat<T> = { [K in keyof T]: T[K] }

/**
 * The TypeScript type of a literal JSON Schema, for the keywords a tool's parameters usually need: `const`, `enum`,
 * `type` (also an array of names), `items` with one schema, `properties` with `required`. Whatever it does not read
 * (composition, `$ref`, tuples) is `unknown`, never a wrong type. A `default` does not make a property present:
 * plain JSON Schema only checks a value, it does not fill it in.
 */
export type FromJsonSchema<S> = S extends { readonly [described]: infer T }
  ? T
  : S extends { readonly const: infer C }
    ? C
    : S extends { readonly enum: readonly (infer E)[] }
      ? E
      : S extends { readonly type: 'object'; readonly properties: infer P }
        ? ObjectOf<P, Required<S>>
        : S extends { readonly type: 'array'; readonly items: infer I }
          ? I extends readonly unknown[]
            ? unknown[]
            : FromJsonSchema<I>[]
          : S extends { readonly type: infer T extends keyof Scalars }
            ? Scalars[T]
            : S extends { readonly type: readonly (infer T extends keyof Scalars)[] }
              ? Scalars[T]
              : unknown

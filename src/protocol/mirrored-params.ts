import { DefinitionError } from '../errors/definition-error.js'
import { isSensitiveName } from '../errors/secrets.js'
import { shown } from '../errors/shown.js'
import { isRecord } from './json-rpc.js'

/** One argument of a tool that clients repeat in a header, so that proxies can route on it. */
export interface MirroredParam {
  /** As it is written in messages: `Mcp-Param-Region`. */
  readonly header: string
  /** As it is looked up: `mcp-param-region`. */
  readonly key: string
  /** The property names that lead from `arguments` to the value. */
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

const keyword = 'x-mcp-header'

/** RFC 9110 §5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Where JSON Schema 2020-12 and its forerunners keep subschemas. What stands under other keywords is data. */
const schemaKeywords = [
  'additionalItems',
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
]
const schemaListKeywords = ['allOf', 'anyOf', 'items', 'oneOf', 'prefixItems']
const schemaMapKeywords = ['$defs', 'definitions', 'dependencies', 'dependentSchemas', 'patternProperties']

/**
 * Collects the `x-mcp-header` annotations of a tool's input schema, in the order they stand. Throws
 * DefinitionError for one that clients would drop the whole tool for (specification 2026-07-28, streamable-http,
 * "Schema Extension"): not a header token, used twice in any case, not on a property of type string, integer or
 * boolean, or not reached through `properties` alone; and for one on a property that is named like a secret.
 */
export function mirroredParams(inputSchema: unknown): readonly MirroredParam[] {
  const found = new Map<string, MirroredParam>()
  collect(inputSchema, [], true, found)
  return [...found.values()]
}

function collect(
  schema: unknown,
  path: readonly string[],
  reachable: boolean,
  found: Map<string, MirroredParam>,
): void {
  if (!isRecord(schema)) return
  if (Object.hasOwn(schema, keyword)) {
    const param = readAnnotation(schema, path, reachable)
    const earlier = found.get(param.key)
    if (earlier !== undefined) {
      throw new DefinitionError(
        `${keyword} ${shown(param.header.slice(10))} stands on both ${named(earlier.path)} and ${named(path)}; give each its own name, whatever the case.`,
      )
    }
    found.set(param.key, param)
  }
  for (const [name, property] of entriesOf(schema['properties'])) {
    collect(property, [...path, name], reachable, found)
  }
  for (const key of schemaKeywords) collect(schema[key], path, false, found)
  for (const key of schemaListKeywords) {
    const list = schema[key]
    for (const subschema of Array.isArray(list) ? list : [list]) collect(subschema, path, false, found)
  }
  for (const key of schemaMapKeywords) {
    for (const [, subschema] of entriesOf(schema[key])) collect(subschema, path, false, found)
  }
}

function readAnnotation(
  schema: Readonly<Record<string, unknown>>,
  path: readonly string[],
  reachable: boolean,
): MirroredParam {
  if (!reachable || path.length === 0) {
    throw new DefinitionError(
      `${keyword} at ${named(path)} may only stand on a property that "properties" alone lead to, not under items, allOf, anyOf, oneOf, not, if, $defs and their like.`,
    )
  }
  const name = schema[keyword]
  if (typeof name !== 'string' || !token.test(name)) {
    const received = typeof name === 'string' ? shown(name) : typeof name
    throw new DefinitionError(
      `${keyword} of ${named(path)} must be a header name part of letters, digits and hyphens, received ${received}.`,
    )
  }
  const property = path.at(-1) ?? ''
  if (isSensitiveName(property)) {
    throw new DefinitionError(
      `${keyword} stands on ${named(path)}, which looks like a secret; proxies log headers, so drop the keyword.`,
    )
  }
  const type = schema['type']
  if (type !== 'string' && type !== 'integer' && type !== 'boolean') {
    const received =
      typeof type === 'string' ? shown(type) : Array.isArray(type) ? 'several types' : 'no type'
    throw new DefinitionError(
      `${keyword} may only stand on a property of type string, integer or boolean, but ${named(path)} has ${received}.`,
    )
  }
  const header = `Mcp-Param-${name}`
  return { header, key: header.toLowerCase(), path, type }
}

function named(path: readonly string[]): string {
  return path.length === 0 ? 'the root of the input schema' : shown(path.join('.'))
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : []
}

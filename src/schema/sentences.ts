import { clean } from '../errors/shown.js'
import { expectation, explanation } from './expectation.js'
import { isNode, own, type SchemaNode } from './keywords.js'
import type { Problem } from './problem.js'
import { describeReceived, isHidden } from './received.js'
import { schemasAlong } from './resolve.js'
import { suggest } from './suggest.js'
import { either, fieldOf } from './text.js'
import type { ErrorObject } from './validators.js'

/** Whose value it is: the caller's arguments, or what a handler returned. */
export type Role = 'input' | 'output'

/** What a sentence needs to know beside the error itself. */
export interface Scene {
  readonly root: SchemaNode
  readonly value: unknown
  readonly role: Role
}

/** How a sentence begins that is about the whole value. */
export function wholeOf(role: Role): string {
  return role === 'input' ? 'The arguments' : 'The result'
}

/** `"limit"`, or `The arguments` for the root. */
export function subject(path: readonly (string | number)[], role: Role): string {
  return path.length === 0 ? wholeOf(role) : `"${fieldOf(path).replaceAll('"', "'")}"`
}

/** Puts a problem together; the field follows from the path. */
export function problem(
  path: readonly (string | number)[],
  message: string,
  more: { readonly expected?: string; readonly received?: string } = {},
): Problem {
  return { path, message, field: fieldOf(path), ...more }
}

/** The path of a JSON Pointer within a value; a token is an index only where the value has an array. */
export function pathOf(instancePath: string, value: unknown): (string | number)[] {
  const path: (string | number)[] = []
  let here: unknown = value
  for (const raw of instancePath.split('/').slice(1)) {
    const token = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    const key = Array.isArray(here) ? Number(token) : token
    path.push(key)
    here = memberOf(here, key)
  }
  return path
}

/** The own member of an array or object, else undefined. */
export function memberOf(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return typeof key === 'number' ? value[key] : undefined
  if (typeof value !== 'object' || value === null) return undefined
  return Object.hasOwn(value, key) ? (value as SchemaNode)[String(key)] : undefined
}

function param(error: ErrorObject, name: string): unknown {
  return isNode(error.params) ? own(error.params, name) : undefined
}

/** The sentence for one error of ajv; undefined for those that only sum up others. */
export function fromError(error: ErrorObject, scene: Scene): Problem | undefined {
  const path = pathOf(error.instancePath, scene.value)
  switch (error.keyword) {
    case 'required':
      return missing(path, String(param(error, 'missingProperty')), scene)
    case 'dependentRequired':
    case 'dependencies':
      return missing(path, String(param(error, 'missingProperty')), scene, String(param(error, 'property')))
    case 'additionalProperties':
      return unknownName(path, String(param(error, 'additionalProperty')), scene)
    case 'unevaluatedProperties':
      return unknownName(path, String(param(error, 'unevaluatedProperty')), scene)
    case 'propertyNames': {
      const name = String(param(error, 'propertyName'))
      const expected = expectation(scene.root, error.schema)
      return problem(
        [...path, name],
        `${subject([...path, name], scene.role)} is not an allowed name; a name must be ${expected}.`,
      )
    }
    case 'false schema':
      return problem(path, `${subject(path, scene.role)} must be left out.`)
    case 'not':
      return negated(path, error, scene)
    case 'uniqueItems':
      return problem(
        path,
        `${subject(path, scene.role)} must not repeat an item, but items ${param(error, 'j')} and ${param(error, 'i')} are the same.`,
      )
    case 'contains': {
      const min = Number(param(error, 'minContains') ?? 1)
      const counted = min === 1 ? 'an item that is' : `${min} items that are each`
      return problem(
        path,
        `${subject(path, scene.role)} must contain ${counted} ${expectation(scene.root, error.schema)}.`,
      )
    }
    case 'if':
    case 'anyOf':
    case 'oneOf':
      return undefined
    default:
      return error.propertyName === undefined ? mistaken(path, error.parentSchema, scene) : undefined
  }
}

/** `"limit" must be an integer from 1 to 100, received the string "ten".` */
export function mistaken(path: readonly (string | number)[], schema: unknown, scene: Scene): Problem {
  const value = path.reduce<unknown>(memberOf, scene.value)
  const hidden = isHidden(scene.root, path, value)
  const expected = expectation(scene.root, schema)
  const said = isPatterned(schema) ? explanation(scene.root, [schema, ...atPath(path, scene)], hidden) : ''
  const received = withSize(describeReceived(value, hidden), value, schema)
  const about = subject(path, scene.role)
  return problem(
    path,
    `${about} must be ${expected}${said === '' ? '' : ` (${said})`}, received ${received}.`,
    {
      expected,
      received,
    },
  )
}

function isPatterned(schema: unknown): boolean {
  return isNode(schema) && own(schema, 'pattern') !== undefined
}

function atPath(path: readonly (string | number)[], scene: Scene): readonly SchemaNode[] {
  return schemasAlong(scene.root, path)[path.length] ?? []
}

/** A length matters only where a length was asked for. */
function withSize(received: string, value: unknown, schema: unknown): string {
  if (typeof value !== 'string' || value === '' || !isNode(schema)) return received
  const asked = own(schema, 'minLength') !== undefined || own(schema, 'maxLength') !== undefined
  if (!asked || received.endsWith('(not shown)')) return received
  const length = value.length > 1_000_000 ? value.length : Array.from(value).length
  return `${received} (${length} characters)`
}

function missing(path: readonly (string | number)[], name: string, scene: Scene, because?: string): Problem {
  const full = [...path, name]
  const schemas = atPath(full, scene)
  const expected = schemas[0] === undefined ? undefined : expectation(scene.root, schemas[0])
  const said = explanation(scene.root, schemas, isHidden(scene.root, full, undefined))
  const parts = [expected === 'a valid value' ? '' : (expected ?? ''), said].filter((part) => part !== '')
  const when = because === undefined ? '' : ` when ${subject([...path, because], scene.role)} is given`
  const brackets = parts.length === 0 ? '' : ` (${parts.join(': ')})`
  return problem(full, `${subject(full, scene.role)} is required${when}${brackets}.`, {
    ...(expected === undefined ? {} : { expected }),
    received: 'nothing',
  })
}

function unknownName(path: readonly (string | number)[], name: string, scene: Scene): Problem {
  const full = [...path, name]
  const known = new Set<string>()
  for (const node of atPath(path, scene)) {
    const properties = own(node, 'properties')
    if (isNode(properties)) for (const property of Object.keys(properties)) known.add(property)
  }
  const given = path.reduce<unknown>(memberOf, scene.value)
  const free = [...known].filter((candidate) => memberOf(given, candidate) === undefined)
  const meant = suggest(name, free)
  const kind =
    path.length === 0
      ? scene.role === 'input'
        ? 'a parameter of this tool'
        : 'a property of the result'
      : `a property of ${subject(path, scene.role)}`
  const names = [...known].slice(0, 10).map((candidate) => `"${clean(candidate, 60)}"`)
  const more = known.size > 10 ? [`${known.size - 10} more`] : []
  const help =
    meant !== undefined
      ? `; did you mean "${clean(meant, 60)}"?`
      : known.size > 0
        ? `; it takes ${either([...names, ...more], 'and')}.`
        : '.'
  return problem(full, `${subject(full, scene.role)} is not ${kind}${help}`)
}

function negated(path: readonly (string | number)[], error: ErrorObject, scene: Scene): Problem {
  const inner: unknown = error.schema
  const required = isNode(inner) ? own(inner, 'required') : undefined
  if (Array.isArray(required) && required.length > 0) {
    const fields = required.map((name) => subject([...path, String(name)], scene.role))
    const both = fields.length === 1 ? 'must be left out' : 'cannot be given together'
    return problem(path, `${either(fields, 'and')} ${both}.`)
  }
  const value = path.reduce<unknown>(memberOf, scene.value)
  const received = describeReceived(value, isHidden(scene.root, path, value))
  const refused = expectation(scene.root, inner)
  return problem(
    path,
    `${subject(path, scene.role)} must not be ${refused === 'a valid value' ? 'this' : refused}, received ${received}.`,
    {
      received,
    },
  )
}

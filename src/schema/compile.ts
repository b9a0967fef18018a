import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import { type Dialect, dialectOf, plainCopy } from './document.js'
import { type Interpreter, interpreterFor, isAgreed, isSmallJson } from './early.js'
import type { SchemaLike } from './infer.js'
import { inspectDocument } from './inspect.js'
import type { JsonSchema } from './json-schema.js'
import { isNode, own } from './keywords.js'
import type { Problem } from './problem.js'
import { resolveRef } from './resolve.js'
import { isStandardSchema, jsonSchemaOf } from './standard.js'
import { type Explanations, explanationsOf, load, Validators, warmUp } from './validators.js'

export { warmUp }

/** What a check says: the value to go on with (a library may have changed it), or what is wrong with it. */
export type CheckResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problems: readonly Problem[] }

export interface CompiledSchema {
  /** Draft 2020-12, or draft-07 and then with `$schema`, as plain JSON; a private copy. */
  readonly json: JsonSchema
  /**
   * Checks one value and never changes it. Synchronous whenever it can be: a library's schema unless it is
   * asynchronous itself or has to explain a failure before ajv is loaded; plain JSON Schema once ajv is loaded.
   * Rejects or throws only with what the library's own code throws.
   */
  check(value: unknown): CheckResult | Promise<CheckResult>
}

export interface CompileOptions {
  /** `input`: what a caller gives; must be an object at the root. `output`: what a handler returns. */
  readonly role: 'input' | 'output'
  /** Whose schema it is, for messages: `tool "find-order"`. */
  readonly owner: string
}

/**
 * Readies a schema for listing and checking.
 *
 * An input is listed as what the schema takes, and the handler receives what it makes of it. An output is listed as
 * what the schema gives, and what goes on the wire is the value it gives: the handler's value is checked and the parsed
 * one is used. So unknown properties follow the library: `z.object` drops them in both directions (a misspelt optional
 * parameter is dropped too), `z.strictObject` refuses them, `z.looseObject` keeps them; arktype keeps them unless told
 * `'+': 'reject'`; valibot's `object` drops them. Plain JSON Schema never changes a value: it keeps unknown properties
 * unless `additionalProperties` is false, and fills in no defaults.
 *
 * @throws DefinitionError if the schema has no JSON Schema, is wrong, too large, or reaches outside itself.
 */
export function compileSchema(source: SchemaLike, options: CompileOptions): CompiledSchema {
  const { role, owner } = options
  const what = `The ${role} schema of ${owner}`
  const given: unknown = source
  if (typeof given === 'boolean' || Array.isArray(given) || given === null || !isObject(given)) {
    throw new DefinitionError(
      `${what} must be an object, not ${shown(given)}; write { "type": "object" } to take anything.`,
    )
  }
  const standard = isStandardSchema(source) ? source['~standard'] : undefined
  const doc = isStandardSchema(source) ? jsonSchemaOf(source, role, what) : source
  const copy = plainCopy(doc, what)
  const dialect = dialectOf(copy, what)
  inspectDocument(copy, dialect, what)
  const rooted = role === 'input' ? withObjectRoot(copy, what) : copy
  // What an author wrote stands as it is; a library's default dialect is only said when it is not the default.
  const json: JsonSchema = standard !== undefined && dialect === '2020-12' ? withoutDialect(rooted) : rooted
  const validators = new Validators(json, dialect)
  if (standard !== undefined) return { json, check: standardCheck(standard, validators, dialect, role) }
  return { json, check: jsonCheck(validators, dialect, role) }
}

function withoutDialect({ $schema: _dialect, ...rest }: JsonSchema): JsonSchema {
  return rest
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * MCP asks for `type: "object"` at the root of an input schema in every revision (schema.ts, Tool.inputSchema). A library
 * may say it one step away, by a `$ref` or an `allOf`: then saying it at the root changes nothing.
 */
function withObjectRoot(json: JsonSchema, what: string): JsonSchema {
  if (json.type === 'object') return json
  if (json.type === undefined && isObjectAnyway(json, json, 0)) return { type: 'object', ...json }
  const found = json.type === undefined ? 'has no type' : `has the type ${shown(json.type)}`
  const unions = json.anyOf !== undefined || json.oneOf !== undefined
  const mend = unions
    ? 'put the union into a property of an object'
    : 'make it an object with one property for each parameter'
  throw new DefinitionError(`${what} must have \`type: "object"\` at its root but ${found}; ${mend}.`)
}

function isObjectAnyway(root: JsonSchema, schema: unknown, depth: number): boolean {
  if (!isNode(schema) || depth > 8) return false
  if (own(schema, 'type') === 'object') return true
  const ref = own(schema, '$ref')
  if (typeof ref === 'string' && isObjectAnyway(root, resolveRef(root, ref), depth + 1)) return true
  const all = own(schema, 'allOf')
  return Array.isArray(all) && all.some((part: unknown) => isObjectAnyway(root, part, depth + 1))
}

type Check = CompiledSchema['check']

function standardCheck(
  standard: StandardSchemaV1.Props,
  validators: Validators,
  dialect: Dialect,
  role: 'input' | 'output',
): Check {
  const finish = (
    value: unknown,
    result: StandardSchemaV1.Result<unknown>,
  ): CheckResult | Promise<CheckResult> => {
    if (result.issues === undefined) return { ok: true, value: result.value }
    const { issues } = result
    const explain = (explanations: Explanations): CheckResult => ({
      ok: false,
      problems: explanations.explainIssues(value, issues, standard.vendor, validators, role),
    })
    const loaded = explanationsOf(dialect)
    return loaded === undefined ? load(dialect).then(explain) : explain(loaded)
  }
  return (value) => {
    const result = standard.validate(value)
    return isThenable(result) ? result.then((later) => finish(value, later)) : finish(value, result)
  }
}

function isThenable<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** After this many early verdicts in one process ajv is loaded anyway, should nobody have called `warmUp`. */
const EARLY_VERDICTS = 16
let earlyVerdicts = 0

function jsonCheck(validators: Validators, dialect: Dialect, role: 'input' | 'output'): Check {
  const agreed = dialect === '2020-12' && isAgreed(validators.doc)
  let interpreter: Promise<Interpreter> | undefined

  const cold = async (value: unknown): Promise<CheckResult> => {
    if (agreed && isSmallJson(value)) {
      interpreter ??= interpreterFor(validators.doc)
      const accepted = (await interpreter).accepts(value)
      earlyVerdicts += 1
      if (earlyVerdicts >= EARLY_VERDICTS) void load(dialect).catch(() => undefined)
      if (accepted) return { ok: true, value }
    }
    await load(dialect)
    interpreter = undefined
    return check(value)
  }

  const check = (value: unknown): CheckResult | Promise<CheckResult> => {
    const verdict = validators.verdict()
    if (verdict === undefined) return cold(value)
    try {
      if (verdict(value)) return { ok: true, value }
    } catch {
      // What a value can make ajv throw (see `explainErrors`) refuses that value and is no fault of the server.
    }
    const explanations = explanationsOf(dialect)
    return explanations === undefined
      ? load(dialect).then((loaded) => refused(value, loaded))
      : refused(value, explanations)
  }

  const refused = (value: unknown, { explainErrors, unexplained }: Explanations): CheckResult => {
    const problems = explainErrors(value, validators, role)
    return { ok: false, problems: problems.length > 0 ? problems : [unexplained(role)] }
  }
  return check
}

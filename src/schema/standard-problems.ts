import type { StandardSchemaV1 } from '@standard-schema/spec'
import { looksSecret } from '../errors/secrets.js'
import { clean } from '../errors/shown.js'
import { isNode, own } from './keywords.js'
import { MAX_PROBLEMS, type Problem } from './problem.js'
import { explainErrors } from './problems.js'
import { describeReceived, hiddenStrings, isHidden } from './received.js'
import { schemasAlong } from './resolve.js'
import { memberOf, problem, type Role, type Scene, subject } from './sentences.js'
import { either } from './text.js'
import type { Validators } from './validators.js'

/** Most issues of a library that are read. */
const MAX_ISSUES = 200
/** Longest text of a library or of the author's refinement, in characters. */
const MAX_MESSAGE = 240
/** What libraries call an issue that the structure of the schema explains by itself. */
const STRUCTURAL: ReadonlySet<unknown> = new Set([
  ...['unrecognized_keys', 'invalid_union', 'invalid_type', 'invalid_key', 'invalid_element'], // zod
  ...['union', 'domain', 'proto', 'structure', 'required', 'intersection'], // arktype
  ...['strict_object', 'object', 'loose_object', 'variant'], // valibot
])

/**
 * Says what is wrong with a value that a library refused. What the JSON Schema explains is said in our words, so that
 * every library reads the same; the library's own words are added for what only it knows, such as refinements and rules
 * across several fields.
 */
export function explainIssues(
  value: unknown,
  issues: readonly StandardSchemaV1.Issue[],
  vendor: string,
  validators: Validators,
  role: Role,
): readonly Problem[] {
  const scene: Scene = { root: validators.doc, value, role }
  const structural = structuralProblems(value, validators, role)
  const told = new Set(structural.map(({ path }) => JSON.stringify(path)))
  const problems = [...structural]
  let secrets: string[] | undefined
  for (let i = 0; i < issues.length && i < MAX_ISSUES && problems.length < MAX_PROBLEMS; i += 1) {
    const issue = issues[i]
    if (issue === undefined) continue
    const path = pathOfIssue(issue)
    const key = JSON.stringify(path)
    const same = told.has(key)
    if (same && (path.length > 0 || isStructural(issue))) continue
    if (structural.some((known) => startsWith(path, known.path) && known.path.length > 0)) continue
    if (isStructural(issue) && structural.some((known) => startsWith(known.path, path))) continue
    told.add(key)
    secrets ??= hiddenStrings(scene.root, value)
    problems.push(fromIssue(issue, path, vendor, scene, secrets))
  }
  return problems.length > 0
    ? problems
    : [problem([], `${subject([], role)} did not pass the check of ${vendor}.`)]
}

/** A library may write a pattern or a reference that ajv cannot compile; then its own words have to do. */
function structuralProblems(value: unknown, validators: Validators, role: Role): readonly Problem[] {
  try {
    return explainErrors(value, validators, role)
  } catch {
    return []
  }
}

function isStructural(issue: StandardSchemaV1.Issue): boolean {
  return STRUCTURAL.has(Reflect.get(issue, 'code')) || STRUCTURAL.has(Reflect.get(issue, 'type'))
}

function pathOfIssue(issue: StandardSchemaV1.Issue): (string | number)[] {
  const path: (string | number)[] = []
  for (const segment of issue.path ?? []) {
    const key: PropertyKey = typeof segment === 'object' ? segment.key : segment
    path.push(typeof key === 'symbol' ? String(key) : key)
    if (path.length >= 64) break
  }
  return path
}

function startsWith(path: readonly (string | number)[], start: readonly (string | number)[]): boolean {
  return start.every((key, i) => path[i] === key)
}

function fromIssue(
  issue: StandardSchemaV1.Issue,
  path: readonly (string | number)[],
  vendor: string,
  scene: Scene,
  secrets: readonly string[],
): Problem {
  const value = path.reduce<unknown>(memberOf, scene.value)
  const hidden = isHidden(scene.root, path, value)
  const about = subject(path, scene.role)
  const received = describeReceived(value, hidden)
  const raw = String(issue.message)
  const message = shorten(raw, value)
  const leaks =
    looksSecret(raw) || secrets.some((secret) => raw.includes(secret)) || (hidden && quotesValues(vendor))
  if (leaks || message === '') {
    return problem(path, `${about} is not acceptable, received ${received}.`, { received })
  }
  if (typeof value === 'object' && value !== null) {
    const fields = isNode(value) ? crossFields(message, path, value, scene) : ''
    return problem(
      path,
      path.length === 0 ? `${message}${fields}.` : `${about} is not valid: ${message}${fields}.`,
    )
  }
  return problem(path, `${about} is not valid: ${message}, received ${received}.`, { received })
}

/** arktype and valibot put the received value into their messages; zod does not. */
function quotesValues(vendor: string): boolean {
  return vendor !== 'zod'
}

function shorten(raw: string, value: unknown): string {
  const long =
    typeof value === 'string' && value.length > 80 ? raw.replaceAll(value, `${value.slice(0, 79)}…`) : raw
  return clean(long, MAX_MESSAGE)
    .trim()
    .replace(/(?<![.\s])[.\s]+$/, '')
}

/** A rule across fields must say which: if the author's message names fewer than two, those that were given are added. */
function crossFields(
  message: string,
  path: readonly (string | number)[],
  value: object,
  scene: Scene,
): string {
  const known = new Set<string>()
  for (const node of schemasAlong(scene.root, path)[path.length] ?? []) {
    const properties = own(node, 'properties')
    if (isNode(properties)) for (const name of Object.keys(properties)) known.add(name)
  }
  const names = [...known]
  const words = new Set(message.split(/[^\p{L}\p{N}_$-]+/u))
  if (names.filter((name) => words.has(name)).length >= 2) return ''
  const given = names.filter((name) => memberOf(value, name) !== undefined).slice(0, 6)
  if (given.length === 0) return ''
  return ` (given: ${either(
    given.map((name) => subject([...path, name], scene.role)),
    'and',
  )})`
}

import { expectation } from './expectation.js'
import { children, isNode, own, type SchemaNode } from './keywords.js'
import type { Problem } from './problem.js'
import { resolveRef } from './resolve.js'
import { memberOf, mistaken, pathOf, problem, type Scene, subject } from './sentences.js'
import { either } from './text.js'
import type { ErrorObject } from './validators.js'

/**
 * A value that fits no branch of a union makes one error for each branch and one for the union. Here they become one
 * sentence, or, where the value plainly meant one branch, that branch's own errors.
 */
export function collapseUnions(errors: readonly ErrorObject[], scene: Scene): (ErrorObject | Problem)[] {
  let kept: (ErrorObject | Problem)[] = [...errors]
  const reached = new Map<unknown, ReadonlySet<SchemaNode>>()
  for (const union of errors) {
    // Inner unions come first in ajv's list, so an outer one drops or keeps what was made of them.
    if ((union.keyword !== 'anyOf' && union.keyword !== 'oneOf') || !kept.includes(union)) continue
    const branches: unknown[] = Array.isArray(union.schema) ? union.schema : []
    const path = pathOf(union.instancePath, scene.value)
    const intended = intendedBranch(branches, path, scene)
    const inside = (schemas: readonly unknown[]): ((entry: ErrorObject | Problem) => boolean) => {
      const within = reach(scene.root, schemas, reached)
      return (entry) => {
        const owner = ownerOf(entry)
        return entry !== union && owner !== undefined && within.has(owner) && isUnder(entry, union, path)
      }
    }
    const place = kept.indexOf(union)
    const inAny = inside(branches)
    const before = kept.slice(0, place).filter((entry) => !inAny(entry))
    const after = kept.slice(place + 1)
    if (intended !== undefined) {
      const inIntended = inside([intended])
      const own = kept.slice(0, place).filter(inIntended)
      if (own.length > 0) {
        kept = [...before, ...own, ...after]
        continue
      }
    }
    const made = describeUnion(union, branches, path, scene)
    if (isNode(union.parentSchema)) owners.set(made, union.parentSchema)
    kept = [...before, made, ...after]
  }
  return kept
}

/** The schema a collapsed problem stands for, so that an outer union can drop it in turn. */
const owners = new WeakMap<Problem, SchemaNode>()

function ownerOf(entry: ErrorObject | Problem): SchemaNode | undefined {
  if ('field' in entry) return owners.get(entry)
  return isNode(entry.parentSchema) ? entry.parentSchema : undefined
}

function isUnder(
  entry: ErrorObject | Problem,
  union: ErrorObject,
  path: readonly (string | number)[],
): boolean {
  if ('field' in entry) return path.every((key, i) => entry.path[i] === key)
  return entry.instancePath === union.instancePath || entry.instancePath.startsWith(`${union.instancePath}/`)
}

/** Every schema object below some schemas, references followed; remembered for one explanation. */
function reach(
  root: SchemaNode,
  schemas: readonly unknown[],
  reached: Map<unknown, ReadonlySet<SchemaNode>>,
): ReadonlySet<SchemaNode> {
  const key: unknown = schemas.length === 1 ? schemas[0] : schemas
  const before = reached.get(key)
  if (before !== undefined) return before
  const found = new Set<SchemaNode>()
  reached.set(key, found)
  const pending = [...schemas]
  while (pending.length > 0) {
    const node = pending.pop()
    if (!isNode(node) || found.has(node)) continue
    found.add(node)
    const ref = own(node, '$ref')
    if (typeof ref === 'string') pending.push(resolveRef(root, ref))
    for (const child of children(node)) pending.push(child.value)
  }
  return found
}

function target(root: SchemaNode, schema: unknown): SchemaNode | undefined {
  let here = schema
  for (let hops = 0; hops < 32 && isNode(here); hops += 1) {
    const ref = own(here, '$ref')
    if (typeof ref !== 'string') return here
    here = resolveRef(root, ref)
  }
  return undefined
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function takesKind(root: SchemaNode, branch: unknown, value: unknown, depth = 0): boolean {
  const schema = target(root, branch)
  if (schema === undefined) return branch === true
  const type = own(schema, 'type')
  const inner = own(schema, 'anyOf') ?? own(schema, 'oneOf')
  if (type === undefined && Array.isArray(inner) && depth < 4) {
    return inner.some((one: unknown) => takesKind(root, one, value, depth + 1))
  }
  const types: unknown[] = Array.isArray(type) ? type : [type]
  const kind = kindOf(value)
  const literals =
    own(schema, 'enum') ?? (own(schema, 'const') === undefined ? undefined : [own(schema, 'const')])
  if (Array.isArray(literals) && type === undefined) return literals.some((item) => kindOf(item) === kind)
  return types.includes(undefined) || types.includes(kind) || (kind === 'number' && types.includes('integer'))
}

/** The branch a value plainly meant: its discriminator fits, or it is the only one that takes this kind of value. */
function intendedBranch(
  branches: readonly unknown[],
  path: readonly (string | number)[],
  scene: Scene,
): unknown {
  const value = path.reduce<unknown>(memberOf, scene.value)
  const key = discriminator(branches, scene)
  if (key !== undefined && isNode(value)) {
    const fits = branches.filter((branch) => literalsOf(branch, key, scene).includes(own(value, key)))
    if (fits.length === 1) return fits[0]
  }
  const possible = branches.filter((branch) => takesKind(scene.root, branch, value))
  const isContainer = typeof value === 'object' && value !== null
  return possible.length === 1 && isContainer ? possible[0] : undefined
}

function literalsOf(branch: unknown, key: string, scene: Scene): unknown[] {
  const schema = target(scene.root, branch)
  const properties = schema === undefined ? undefined : own(schema, 'properties')
  const property = isNode(properties) ? target(scene.root, own(properties, key)) : undefined
  if (property === undefined) return []
  const listed = own(property, 'enum')
  if (Array.isArray(listed)) return listed
  return own(property, 'const') === undefined ? [] : [own(property, 'const')]
}

/** The property that tells the branches apart: a literal in every one of them. */
function discriminator(branches: readonly unknown[], scene: Scene): string | undefined {
  const first = target(scene.root, branches[0])
  const properties = first === undefined ? undefined : own(first, 'properties')
  if (!isNode(properties) || branches.length < 2) return undefined
  return Object.keys(properties).find((key) =>
    branches.every((branch) => literalsOf(branch, key, scene).length > 0),
  )
}

function describeUnion(
  union: ErrorObject,
  branches: readonly unknown[],
  path: readonly (string | number)[],
  scene: Scene,
): Problem {
  const value = path.reduce<unknown>(memberOf, scene.value)
  const passing: unknown = isNode(union.params) ? own(union.params, 'passingSchemas') : undefined
  const several = Array.isArray(passing) ? passing.map((i: unknown) => branches[Number(i)]) : undefined
  const groups = (several ?? branches).map((branch) => requiredOnly(branch, scene))
  if (isNode(value) && groups.every((group) => group !== undefined)) {
    const said = groups.map((group) =>
      either(
        (group ?? []).map((name) => subject([...path, name], scene.role)),
        'and',
      ),
    )
    const where = path.length === 0 ? '' : ` in ${subject(path, scene.role)}`
    if (several !== undefined)
      return problem(path, `Only one of ${either(said, 'and')} may be given${where}.`)
    return problem(path, `${either(said)} is required${where}.`)
  }
  if (several !== undefined) {
    return problem(
      path,
      `${subject(path, scene.role)} fits more than one of the forms it may have; it must fit exactly one.`,
    )
  }
  const key = discriminator(branches, scene)
  if (key !== undefined && isNode(value)) {
    const literals = [...new Set(branches.flatMap((branch) => literalsOf(branch, key, scene)))]
    const at = [...path, key]
    if (own(value, key) === undefined) {
      const expected = expectation(scene.root, { enum: literals })
      return problem(at, `${subject(at, scene.role)} is required (${expected}).`, {
        expected,
        received: 'nothing',
      })
    }
    return mistaken(at, { enum: literals }, scene)
  }
  return mistaken(path, { anyOf: branches }, scene)
}

/** The names a branch asks for, if asking for them is what tells it from the others. */
function requiredOnly(branch: unknown, scene: Scene): string[] | undefined {
  const schema = target(scene.root, branch)
  const required = schema === undefined ? undefined : own(schema, 'required')
  if (schema === undefined || !Array.isArray(required) || required.length === 0) return undefined
  const others = Object.keys(schema).filter(
    (key) => !['required', 'type', 'title', 'description'].includes(key),
  )
  return others.length === 0 ? required.map(String) : undefined
}

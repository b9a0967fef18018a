import { clean } from '../errors/shown.js'
import type { JsonSchema } from './json-schema.js'
import { children, isNode, own, type SchemaNode } from './keywords.js'
import { resolveRef } from './resolve.js'
import { either } from './text.js'

/** Nesting of parameters (objects and arrays within one another) that models still fill in reliably. */
const MAX_NESTING = 5
const MAX_PARAMETERS = 20
/** An `action` with this many values is several tools in one. */
const MANY_ACTIONS = 4
const ACTION_NAMES: ReadonlySet<string> = new Set(['action', 'operation', 'command', 'method', 'mode', 'op'])

/**
 * Looks over the input schema of a tool for what makes it hard to call: one sentence each, naming the tool and the
 * parameter, and saying what to do. What must not be served at all is refused where the schema is compiled.
 *
 * @param json the compiled document
 * @param owner whose schema it is, for messages: `tool "find-order"`
 */
export function adviseOnInput(json: JsonSchema, owner: string): readonly string[] {
  const root: SchemaNode = json
  const advice: string[] = []
  const warn = (message: string): void => {
    advice.push(message)
  }
  const properties = own(root, 'properties')
  const parameters = isNode(properties) ? Object.keys(properties) : []
  const silent = parameters.filter((name) => isNode(properties) && !isDescribed(root, own(properties, name)))
  if (silent.length > 0) {
    const listed = silent.slice(0, 10).map((name) => `"${clean(name, 60)}"`)
    const more = silent.length > 10 ? [`${silent.length - 10} more`] : []
    const noun = silent.length === 1 ? 'parameter has' : 'parameters have'
    warn(
      `${owner}: the ${noun} no description: ${either([...listed, ...more], 'and')}; say what it is, with an example.`,
    )
  }
  if (parameters.length > MAX_PARAMETERS) {
    warn(
      `${owner} takes ${parameters.length} parameters, more than ${MAX_PARAMETERS}; split it, or group what belongs together.`,
    )
  }
  for (const name of parameters) {
    const values = isNode(properties) ? literals(root, own(properties, name)) : []
    if (!ACTION_NAMES.has(name.toLowerCase()) || values.length < MANY_ACTIONS || parameters.length < 2)
      continue
    warn(
      `${owner} does ${values.length} things by its parameter "${clean(name, 60)}"; make each a tool of its own, with only the parameters it needs.`,
    )
  }
  const nesting = depthOf(root, root, 0, { open: new Set(), steps: 0 })
  if (nesting > MAX_NESTING) {
    warn(`${owner} nests its parameters ${nesting} levels deep, more than ${MAX_NESTING}; make them flatter.`)
  }
  if (hasUnboundedUnique(root)) {
    warn(
      `${owner} asks for \`uniqueItems\` without \`maxItems\`, and comparing all items takes the square of their number; add \`maxItems\`.`,
    )
  }
  return advice
}

function isDescribed(root: SchemaNode, schema: unknown): boolean {
  if (!isNode(schema)) return false
  const said = own(schema, 'description')
  if (typeof said === 'string' && said.trim() !== '') return true
  const ref = own(schema, '$ref')
  const target = typeof ref === 'string' ? resolveRef(root, ref) : undefined
  if (isNode(target) && typeof own(target, 'description') === 'string') return true
  const union = own(schema, 'anyOf') ?? own(schema, 'oneOf')
  return Array.isArray(union) && union.some((branch: unknown) => isNode(branch) && isDescribed(root, branch))
}

function literals(root: SchemaNode, schema: unknown): readonly unknown[] {
  if (!isNode(schema)) return []
  const listed = own(schema, 'enum')
  if (Array.isArray(listed)) return listed
  const union = own(schema, 'anyOf') ?? own(schema, 'oneOf')
  if (Array.isArray(union) && union.every((branch) => isNode(branch) && own(branch, 'const') !== undefined))
    return union
  const ref = own(schema, '$ref')
  const target = typeof ref === 'string' ? resolveRef(root, ref) : undefined
  return isNode(target) && isNode(schema) && Array.isArray(own(target, 'enum')) ? literals(root, target) : []
}

/** Most steps of {@link depthOf}: references shared by many make more paths than a schema has nodes. */
const MAX_STEPS = 5000

/** Levels of objects and arrays below a schema. What contains itself (a tree) counts once: its depth is the caller's. */
function depthOf(root: SchemaNode, node: unknown, level: number, walk: Walk): number {
  const { open } = walk
  walk.steps += 1
  if (!isNode(node) || walk.steps > MAX_STEPS || open.has(node)) return level
  open.add(node)
  let deepest = level
  const ref = own(node, '$ref')
  if (typeof ref === 'string') deepest = Math.max(deepest, depthOf(root, resolveRef(root, ref), level, walk))
  for (const { keyword, value } of children(node)) {
    if (keyword === '$defs' || keyword === 'definitions') continue
    const down = ['properties', 'items', 'prefixItems', 'additionalProperties', 'patternProperties'].includes(
      keyword,
    )
    const nested = down && isContainer(root, value)
    deepest = Math.max(deepest, depthOf(root, value, nested ? level + 1 : level, walk))
  }
  open.delete(node)
  return deepest
}

interface Walk {
  readonly open: Set<SchemaNode>
  steps: number
}

function isContainer(root: SchemaNode, schema: unknown): boolean {
  if (!isNode(schema)) return false
  const ref = own(schema, '$ref')
  const target = typeof ref === 'string' ? resolveRef(root, ref) : schema
  if (!isNode(target)) return false
  return own(target, 'properties') !== undefined || own(target, 'items') !== undefined
}

function hasUnboundedUnique(root: SchemaNode): boolean {
  const pending: unknown[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (!isNode(node)) continue
    if (own(node, 'uniqueItems') === true && own(node, 'maxItems') === undefined) return true
    for (const child of children(node)) pending.push(child.value)
  }
  return false
}

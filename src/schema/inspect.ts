import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import type { Dialect } from './document.js'
import { children, IN_PLACE, isNode, MAPS, own, type SchemaNode, SINGLE } from './keywords.js'
import { pointer, resolveRef } from './resolve.js'

/** Most levels of schema within schema. */
export const MAX_DEPTH = 32
/** Most schemas in one document, the root and every definition counted. */
export const MAX_SUBSCHEMAS = 2000
/** Most schemas that one value may have to be held against, all alternatives and references followed. */
export const MAX_EXPANSION = 10_000

/**
 * Looks a document over before the validator ever sees it, so that a wrong schema stops the start and not the first
 * call, and so that one call cannot cost without bound (MCP 2026-07-28, security best practices: bound depth and
 * subschemas, never dereference a network `$ref`). The document must be plain JSON already.
 *
 * @throws DefinitionError that names the place (a JSON Pointer) and the way to mend it.
 */
export function inspectDocument(root: SchemaNode, dialect: Dialect, what: string): void {
  const pending: { node: SchemaNode; tokens: readonly string[]; depth: number }[] = [
    { node: root, tokens: [], depth: 1 },
  ]
  let count = 0
  let branches = false
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, tokens, depth } = next
    const at = pointer(tokens)
    count += 1
    if (count > MAX_SUBSCHEMAS) {
      throw new DefinitionError(
        `${what} has more than ${MAX_SUBSCHEMAS} subschemas; split the tool or say less.`,
      )
    }
    if (depth > MAX_DEPTH) {
      throw new DefinitionError(
        `${what} nests schemas deeper than ${MAX_DEPTH} levels at ${at.slice(0, 120)}; make it flatter.`,
      )
    }
    checkKeywords(node, at, dialect, what)
    checkReferences(root, node, tokens, what)
    branches ||= own(node, '$ref') !== undefined || own(node, '$dynamicRef') !== undefined
    for (const child of children(node)) {
      branches ||= IN_PLACE.has(child.keyword)
      const where = [...tokens, ...child.tokens]
      if (typeof child.value === 'boolean') continue
      if (!isNode(child.value)) {
        throw wrong(what, pointer(where), 'must be a schema (an object, true or false)', child.value)
      }
      pending.push({ node: child.value, tokens: where, depth: depth + 1 })
    }
  }
  // Without alternatives and references each value meets one schema.
  if (branches) checkExpansion(root, what)
}

function wrong(what: string, at: string, rule: string, value: unknown): DefinitionError {
  return new DefinitionError(`${what} is wrong at ${at.slice(0, 200)}: it ${rule}, not ${shown(value)}.`)
}

type Rule = readonly [says: string, holds: (value: unknown) => boolean]

const TYPES = ['string', 'number', 'integer', 'boolean', 'null', 'array', 'object']
const isNames = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((item) => typeof item === 'string') &&
  new Set(value).size === value.length
const isType = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && isNames(value) && value.every((item) => TYPES.includes(String(item)))
    : typeof value === 'string' && TYPES.includes(value)

const count: Rule = [
  'must be a whole number from 0',
  (value) => Number.isSafeInteger(value) && Number(value) >= 0,
]
const number: Rule = ['must be a number', (value) => typeof value === 'number' && Number.isFinite(value)]
const flag: Rule = ['must be true or false', (value) => typeof value === 'boolean']
const text: Rule = ['must be a string', (value) => typeof value === 'string']
const names: Rule = ['must be an array of different strings', isNames]
const schemas: Rule = [
  'must be an array of at least one schema',
  (value) => Array.isArray(value) && value.length > 0,
]
const map: Rule = ['must be an object that maps names to schemas', isNode]

const RULES: Readonly<Record<string, Rule>> = {
  type: [`must be one of ${TYPES.join(', ')}, or an array of them`, isType],
  enum: ['must be an array of at least one value', (value) => Array.isArray(value) && value.length > 0],
  required: names,
  minLength: count,
  maxLength: count,
  minItems: count,
  maxItems: count,
  minContains: count,
  maxContains: count,
  minProperties: count,
  maxProperties: count,
  minimum: number,
  maximum: number,
  exclusiveMinimum: number,
  exclusiveMaximum: number,
  multipleOf: ['must be a number above 0', (value) => number[1](value) && Number(value) > 0],
  uniqueItems: flag,
  pattern: text,
  format: text,
  description: text,
  title: text,
  $ref: text,
  $dynamicRef: text,
  $anchor: text,
  $dynamicAnchor: text,
  allOf: schemas,
  anyOf: schemas,
  oneOf: schemas,
  prefixItems: schemas,
  ...Object.fromEntries(MAPS.map((keyword) => [keyword, map])),
}

function checkKeywords(node: SchemaNode, at: string, dialect: Dialect, what: string): void {
  for (const keyword of Object.keys(node)) {
    const rule = Object.hasOwn(RULES, keyword) ? RULES[keyword] : undefined
    const value = node[keyword]
    if (rule !== undefined && !rule[1](value)) throw wrong(what, `${at}/${keyword}`, rule[0], value)
  }
  if (dialect === '2020-12' && Array.isArray(node['items'])) {
    throw wrong(
      what,
      `${at}/items`,
      'must be one schema (in 2020-12 a tuple is `prefixItems`)',
      node['items'],
    )
  }
  if (own(node, 'nullable') !== undefined) {
    throw new DefinitionError(
      `${what} uses \`nullable\` at ${at.slice(0, 200)}, which JSON Schema does not have; write \`type: ["string", "null"]\` and the like.`,
    )
  }
  const dependentRequired = own(node, 'dependentRequired')
  if (dependentRequired !== undefined) checkDependents(dependentRequired, `${at}/dependentRequired`, what)
  checkPattern(own(node, 'pattern'), `${at}/pattern`, what)
  const patterned = own(node, 'patternProperties')
  if (isNode(patterned)) {
    for (const source of Object.keys(patterned)) checkPattern(source, `${at}/patternProperties`, what)
  }
}

function checkDependents(value: unknown, at: string, what: string): void {
  if (!isNode(value)) throw wrong(what, at, 'must be an object that maps names to arrays of names', value)
  for (const list of Object.values(value)) if (!isNames(list)) throw wrong(what, at, names[0], list)
}

function checkPattern(source: unknown, at: string, what: string): void {
  if (typeof source !== 'string') return
  try {
    new RegExp(source, 'u')
  } catch (cause) {
    const rule =
      'must be a regular expression that is valid with the `u` flag (JSON Schema 2020-12, core §6.4)'
    throw new DefinitionError(`${what} is wrong at ${at.slice(0, 200)}: it ${rule}, not ${shown(source)}.`, {
      cause,
    })
  }
}

function checkReferences(root: SchemaNode, node: SchemaNode, tokens: readonly string[], what: string): void {
  for (const keyword of ['$ref', '$dynamicRef']) {
    const ref = own(node, keyword)
    if (typeof ref !== 'string') continue
    const at = pointer([...tokens, keyword]).slice(0, 200)
    if (!ref.startsWith('#')) {
      throw new DefinitionError(
        `${what} refers outside itself at ${at} (${shown(ref)}), and nothing is ever fetched; copy that schema into \`$defs\` and refer to "#/$defs/<name>".`,
      )
    }
    const target = resolveRef(root, ref)
    if (!isNode(target) && typeof target !== 'boolean') {
      throw new DefinitionError(
        `${what} refers at ${at} to ${shown(ref)}, which is not in it; add it to \`$defs\`.`,
      )
    }
    if (!isSchemaPlace(ref)) {
      throw new DefinitionError(
        `${what} refers at ${at} to ${shown(ref)}, which is not where a schema stands; move it to \`$defs\`.`,
      )
    }
  }
  for (const keyword of ['$recursiveRef', '$recursiveAnchor']) {
    if (own(node, keyword) !== undefined) {
      throw new DefinitionError(
        `${what} uses \`${keyword}\`, which is not part of its dialect; use \`$ref\`.`,
      )
    }
  }
  if (tokens.length > 0 && own(node, '$id') !== undefined) {
    throw new DefinitionError(
      `${what} has an \`$id\` inside it at ${pointer(tokens).slice(0, 200)}; remove it and refer by "#/$defs/<name>".`,
    )
  }
}

/** Whether a pointer leads by schema keywords only: what it names was then looked over, like everything else here. */
function isSchemaPlace(ref: string): boolean {
  if (!ref.startsWith('#/')) return true
  const tokens = ref.slice(2).split('/')
  for (let i = 0; i < tokens.length; i += 1) {
    const keyword = decodeURIComponent(tokens[i] ?? '')
    if (MAPS.includes(keyword) || ['allOf', 'anyOf', 'oneOf', 'prefixItems'].includes(keyword)) i += 1
    else if (keyword === 'items' && /^\d+$/.test(tokens[i + 1] ?? '')) i += 1
    else if (!SINGLE.includes(keyword)) return false
  }
  return true
}

/**
 * How many schemas one value meets, references followed, without going down into its members. A reference that comes
 * back to itself without going down would never end, and nested alternatives multiply; both are refused here.
 */
function checkExpansion(root: SchemaNode, what: string): void {
  const known = new Map<SchemaNode, number>()
  const open = new Set<SchemaNode>()
  const cost = (node: SchemaNode): number => {
    const before = known.get(node)
    if (before !== undefined) return before
    if (open.has(node)) {
      throw new DefinitionError(
        `${what} refers to itself without ever reaching a property or an item; take the \`$ref\` out of that circle.`,
      )
    }
    open.add(node)
    let total = 1
    for (const keyword of ['$ref', '$dynamicRef']) {
      const ref = own(node, keyword)
      const target = typeof ref === 'string' ? resolveRef(root, ref) : undefined
      if (isNode(target)) total += cost(target)
    }
    for (const child of children(node)) {
      if (IN_PLACE.has(child.keyword) && isNode(child.value)) total += cost(child.value)
    }
    open.delete(node)
    if (total > MAX_EXPANSION) {
      throw new DefinitionError(
        `${what} holds one value against more than ${MAX_EXPANSION} alternatives; use fewer branches in \`anyOf\`, \`oneOf\` and \`allOf\`.`,
      )
    }
    known.set(node, total)
    return total
  }
  const pending: SchemaNode[] = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    cost(node)
    for (const child of children(node)) if (isNode(child.value)) pending.push(child.value)
  }
}

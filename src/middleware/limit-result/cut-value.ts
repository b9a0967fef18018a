import type { Cut } from '../../engine/cut-notice.js'
import { fits, nothing, plus, type Size, sizeOf, wholeCharacters } from '../../engine/result-size.js'
import { own, type SchemaNode } from '../../schema/keywords.js'
import { alternatives, step } from '../../schema/resolve.js'

export type Path = readonly (string | number)[]

export interface Room {
  readonly bytes: number
  readonly tokens: number | undefined
}

export interface CutValue {
  readonly value: unknown
  readonly cuts: readonly Cut[]
}

/** What must be cut in more places than these is not cut but refused: nobody could tell what is left of it. */
const maxCuts = 8
/** Shorter texts are names and numbers of things; a cut one would be another. */
const leastText = 200

interface List {
  readonly kind: 'list'
  readonly path: Path
  readonly items: unknown[]
  readonly sizes: readonly Size[]
  readonly size: Size
}

interface Text {
  readonly kind: 'text'
  readonly path: Path
  readonly text: string
  readonly size: Size
  /** Where it stands. */
  readonly holder: Holder
  readonly key: string | number
}

type Holder = Record<string | number, unknown>

/** A container on the way down; paths are written out only for what may be cut. */
interface Way {
  readonly up: Way | undefined
  readonly key: string | number
}

type Part = List | Text

/**
 * Cuts plain JSON data, in place, until it is within `room`: the array whose loss is least if one is enough, else the longest ones
 * first; texts only where arrays are not enough and `texts` allows it. An array keeps what its schema asks for, and one item as long
 * as anything else can be cut. Undefined when it cannot be.
 */
export function cutValue(
  root: unknown,
  room: Room,
  { schema, texts }: { readonly schema: SchemaNode | undefined; readonly texts: boolean },
): CutValue | undefined {
  const top: Holder = { root }
  const cuts = new Map<string, Cut & { readonly at: Path }>()
  for (let turn = 0; turn <= 2 * maxCuts; turn += 1) {
    const parts: Part[] = []
    const size = survey(top, 'root', undefined, parts)
    if (fits(size, room))
      return { value: top['root'], cuts: [...cuts.values()].map(({ at: _at, ...cut }) => cut) }
    const lists = parts.filter((part) => part.kind === 'list')
    const long = texts ? parts.filter((part) => part.kind === 'text') : []
    const done =
      cutOneList(lists, size, room, schema) ?? cutOneText(long, size, room) ?? cutLargest(lists, long, schema)
    if (done === undefined) return undefined
    note(cuts, done)
    if (cuts.size > maxCuts) return undefined
  }
  return undefined
}

interface Done {
  readonly part: Part
  readonly kept: number
  readonly total: number
}

/** The array that alone, cut to one item or more, makes the value fit, with the least loss. */
function cutOneList(
  lists: readonly List[],
  size: Size,
  room: Room,
  schema: SchemaNode | undefined,
): Done | undefined {
  let best: { list: List; kept: number; lost: number } | undefined
  for (const list of lists) {
    const least = Math.max(1, leastItems(schema, list.path))
    const ends = runningSizes(list.sizes)
    const rest = minus(size, list.size)
    const fitsWith = (kept: number): boolean => fits(plus(rest, listSize(ends, kept)), room)
    if (list.items.length <= least || !fitsWith(least)) continue
    let low = least
    let high = list.items.length - 1
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (fitsWith(middle)) low = middle
      else high = middle - 1
    }
    const lost = list.size.bytes - listSize(ends, low).bytes
    if (best === undefined || lost < best.lost) best = { list, kept: low, lost }
  }
  return best && cutList(best.list, best.kept)
}

/** The longest text, if cutting it alone is enough. */
function cutOneText(texts: readonly Text[], size: Size, room: Room): Done | undefined {
  const longest = largest(texts)
  if (longest === undefined) return undefined
  const rest = minus(size, longest.size)
  const { text } = longest
  const kept = longestPrefix(text, room, (prefix) => fits(plus(rest, sizeOf(JSON.stringify(prefix))), room))
  return kept === undefined || kept === 0 ? undefined : cutText(longest, kept)
}

/** One is not enough: the largest is cut as far as it may be, and then it is looked again. */
function cutLargest(
  lists: readonly List[],
  texts: readonly Text[],
  schema: SchemaNode | undefined,
): Done | undefined {
  for (const floor of [1, 0]) {
    const least = new Map(lists.map((list) => [list, Math.max(floor, leastItems(schema, list.path))]))
    const open: Part[] = [...lists.filter((list) => list.items.length > (least.get(list) ?? 0)), ...texts]
    const found = largest(open)
    if (found === undefined) continue
    if (found.kind === 'list') return cutList(found, least.get(found) ?? 0)
    return cutText(found, wholeCharacters(found.text, leastText / 2))
  }
  return undefined
}

function cutList(list: List, kept: number): Done {
  const total = list.items.length
  list.items.length = kept
  return { part: list, kept, total }
}

function cutText(part: Text, kept: number): Done {
  const prefix = part.text.slice(0, kept)
  part.holder[part.key] = prefix
  return { part, kept: sizeOf(prefix).bytes, total: sizeOf(part.text).bytes }
}

/** A place that was cut before keeps its first total, and what was cut inside of dropped items is said by them. */
function note(cuts: Map<string, Cut & { readonly at: Path }>, { part, kept, total }: Done): void {
  const at = part.path
  const path = written(at)
  const before = cuts.get(path)
  for (const [key, { at: other }] of cuts) {
    const next = other[at.length]
    const isInside = other.length > at.length && at.every((name, index) => other[index] === name)
    if (part.kind === 'list' && isInside && typeof next === 'number' && next >= kept) cuts.delete(key)
  }
  const unit = part.kind === 'list' ? 'items' : 'bytes'
  cuts.set(path, { path, kept, total: before?.total ?? total, unit, at })
}

/** The size of a value as JSON, with every array and every long text in it. */
function survey(holder: Holder, key: string | number, up: Way | undefined, parts: Part[]): Size {
  const value = holder[key]
  if (typeof value === 'object' && value !== null) {
    const way: Way = { up, key }
    const inner = value as Holder
    if (Array.isArray(value)) {
      const items: unknown[] = value
      const sizes = items.map((_item, index) => survey(inner, index, way, parts))
      const size = listSize(runningSizes(sizes), items.length)
      parts.push({ kind: 'list', path: pathOf(way), items, sizes, size })
      return size
    }
    const names = Object.keys(value)
    let size = marks(2 + Math.max(0, names.length - 1) + names.length)
    for (const name of names) {
      size = plus(size, plus(sizeOf(JSON.stringify(name)), survey(inner, name, way, parts)))
    }
    return size
  }
  const size = sizeOf(JSON.stringify(value))
  if (typeof value === 'string' && value.length > leastText) {
    parts.push({ kind: 'text', path: pathOf({ up, key }), text: value, size, holder, key })
  }
  return size
}

/** Without the first step, which leads to the value itself. */
function pathOf(way: Way): Path {
  const path: (string | number)[] = []
  for (let at = way; at.up !== undefined; at = at.up) path.unshift(at.key)
  return path
}

/** `ends[n]` is what the first n items weigh, without what stands between them. */
function runningSizes(sizes: readonly Size[]): readonly Size[] {
  let sum = nothing
  return [
    nothing,
    ...sizes.map((size) => {
      sum = plus(sum, size)
      return sum
    }),
  ]
}

function listSize(ends: readonly Size[], kept: number): Size {
  return plus(marks(2 + Math.max(0, kept - 1)), ends[kept] ?? nothing)
}

/** Brackets, commas and colons. */
function marks(count: number): Size {
  return { bytes: count, tokens: count / 4 }
}

function minus(one: Size, other: Size): Size {
  return { bytes: one.bytes - other.bytes, tokens: one.tokens - other.tokens }
}

function largest<Kind extends Part>(parts: readonly Kind[]): Kind | undefined {
  let found: Kind | undefined
  for (const part of parts) if (found === undefined || part.size.bytes > found.size.bytes) found = part
  return found
}

/** The length of the longest beginning that passes and parts no character; ends with a line where one is near. */
export function longestPrefix(
  text: string,
  { bytes, tokens = bytes }: Room,
  passes: (prefix: string) => boolean,
): number | undefined {
  if (!passes('')) return undefined
  let low = 0
  // No character is less than a byte or a quarter of a token, so nothing beyond needs to be written.
  let high = Math.min(text.length, Math.ceil(bytes), Math.ceil(tokens * 4))
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (passes(text.slice(0, wholeCharacters(text, middle)))) low = middle
    else high = middle - 1
  }
  const end = wholeCharacters(text, low)
  const line = text.lastIndexOf('\n', end - 1) + 1
  return line > end * 0.75 ? line : end
}

/** How many items the schema wants in the array at a path, as far as it says so outright. */
function leastItems(root: SchemaNode | undefined, path: Path): number {
  if (root === undefined) return 0
  let nodes = alternatives(root, root)
  for (const key of path) nodes = step(root, nodes, key)
  let least = 0
  for (const node of nodes) {
    const min = own(node, 'minItems')
    const places = own(node, 'prefixItems')
    if (typeof min === 'number') least = Math.max(least, min)
    if (Array.isArray(places)) least = Math.max(least, places.length)
  }
  return least
}

/** `groups[3].items`. */
function written(path: Path): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('')
}

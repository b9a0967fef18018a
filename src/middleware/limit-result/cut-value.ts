import type { Cut } from '../../engine/cut-notice.js'
import { fits, plus, type Size, sizeOf, wholeCharacters } from '../../engine/result-size.js'
import { own, type SchemaNode } from '../../schema/keywords.js'
import { alternatives, step } from '../../schema/resolve.js'
import {
  type Holder,
  type List,
  leastText,
  type Part,
  type Path,
  pathOf,
  Survey,
  type Text,
} from './survey.js'

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
const mostTurns = 2 * maxCuts

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
  for (let turn = 0; turn <= mostTurns; turn += 1) {
    const survey = new Survey(top, 'root')
    const { size, parts } = survey
    if (fits(size, room))
      return { value: top['root'], cuts: [...cuts.values()].map(({ at: _at, ...cut }) => cut) }
    // No cut saves more than what it cuts weighs: what cannot come true is not tried, because each try weighs all of it.
    const most = parts.slice(0, mostTurns - turn).reduce((sum, part) => sum + part.size.bytes, 0)
    if (size.bytes - most > room.bytes) return undefined
    const cuttable = texts ? parts : parts.filter((part) => part.kind === 'list')
    const done =
      cutOneList(survey, room, schema) ?? cutOneText(cuttable, size, room) ?? cutLargest(cuttable, schema)
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
function cutOneList(survey: Survey, room: Room, schema: SchemaNode | undefined): Done | undefined {
  const { size, parts } = survey
  let best: { readonly list: List; readonly kept: number; readonly lost: number } | undefined
  for (const list of parts) {
    if (list.kind !== 'list' || list.items.length < 2) continue
    const rest = minus(size, list.size)
    // Even empty it would not be enough.
    if (!fits(plus(rest, marks(2)), room)) continue
    const { items } = list
    const least = Math.max(1, leastItems(schema, pathOf(list)))
    let kept = 0
    let keptSize = marks(2)
    while (kept < items.length - 1) {
      const more = plus(keptSize, plus(survey.weigh(items, kept), marks(kept === 0 ? 0 : 1)))
      if (!fits(plus(rest, more), room)) break
      kept += 1
      keptSize = more
    }
    const lost = list.size.bytes - keptSize.bytes
    if (kept >= least && (best === undefined || lost < best.lost)) best = { list, kept, lost }
  }
  return best && cutList(best.list, best.kept)
}

/** The longest text, if cutting it alone is enough. */
function cutOneText(parts: readonly Part[], size: Size, room: Room): Done | undefined {
  const longest = parts.find((part) => part.kind === 'text')
  if (longest === undefined) return undefined
  const rest = minus(size, longest.size)
  const { text } = longest
  const kept = longestPrefix(text, room, (prefix) => fits(plus(rest, sizeOf(JSON.stringify(prefix))), room))
  return kept === undefined || kept === 0 ? undefined : cutText(longest, kept)
}

/** One is not enough: the largest is cut as far as it may be, and then it is looked again. */
function cutLargest(parts: readonly Part[], schema: SchemaNode | undefined): Done | undefined {
  for (const floor of [1, 0]) {
    for (const part of parts) {
      if (part.kind === 'text') return cutText(part, wholeCharacters(part.text, leastText / 2))
      if (part.items.length <= floor) continue
      const least = Math.max(floor, leastItems(schema, pathOf(part)))
      if (part.items.length > least) return cutList(part, least)
    }
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
  const at = pathOf(part)
  // Two places may be written alike: a name may have a point in it.
  const place = JSON.stringify(at)
  const before = cuts.get(place)
  for (const [key, { at: other }] of cuts) {
    const next = other[at.length]
    const isInside = other.length > at.length && at.every((name, index) => other[index] === name)
    if (part.kind === 'list' && isInside && typeof next === 'number' && next >= kept) cuts.delete(key)
  }
  const unit = part.kind === 'list' ? 'items' : 'bytes'
  cuts.set(place, { path: written(at), kept, total: before?.total ?? total, unit, at })
}

/** Brackets, commas and colons. */
function marks(count: number): Size {
  return { bytes: count, tokens: count / 4 }
}

function minus(one: Size, other: Size): Size {
  return { bytes: one.bytes - other.bytes, tokens: one.tokens - other.tokens }
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
  if (end === 0) return 0
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

import { cleanText } from './clean-text.js'
import { NOTHING_REMOVED, RemovalTally, type RemovedText } from './removed-text.js'

export interface CleanedValue {
  readonly value: unknown
  /** As of `cleanText`, summed over all strings and keys. */
  readonly removed: readonly RemovedText[]
}

type Container = readonly unknown[] | Readonly<Record<string, unknown>>

/**
 * `cleanText` for every string in plain JSON data: values and keys of arrays and plain objects, at any depth, without
 * recursion. When nothing had to be removed the result is the very value that came in; else only the containers on
 * the way to a change are copied, shared and circular ones once.
 *
 * Class instances, Dates and everything with a `toJSON` method stay as they are, strings inside them too. A key that
 * cleaning makes equal to another key of its object, or to `__proto__`, gets a number: `name (2)`; a key that was clean
 * keeps its name, so that no value is lost and none is replaced.
 */
export function cleanValue(value: unknown): CleanedValue {
  if (typeof value === 'string') {
    const { text, removed } = cleanText(value)
    return { value: text, removed }
  }
  if (!isContainer(value) || isClean(value)) return { value, removed: NOTHING_REMOVED }
  return cleanContainers(value)
}

/** The usual case: reads everything once, copies nothing, stops at the first string that has to change. */
function isClean(root: Container): boolean {
  const seen = new Set<unknown>([root])
  const waiting: Container[] = [root]
  for (let container = waiting.pop(); container !== undefined; container = waiting.pop()) {
    const keys = Array.isArray(container) ? undefined : Object.keys(container)
    const length = keys?.length ?? (container as readonly unknown[]).length
    for (let index = 0; index < length; index += 1) {
      const key = keys?.[index]
      if (key !== undefined && needsCleaning(key)) return false
      const item: unknown = Reflect.get(container, key ?? index)
      if (typeof item === 'string') {
        if (needsCleaning(item)) return false
      } else if (isContainer(item) && !seen.has(item)) {
        seen.add(item)
        waiting.push(item)
      }
    }
  }
  return true
}

function needsCleaning(text: string): boolean {
  return cleanText(text).removed !== NOTHING_REMOVED
}

/** What one container holds once its keys and strings are clean. */
interface Snapshot {
  readonly keys: readonly string[] | undefined
  readonly items: unknown[]
  readonly holders: Set<Container>
  changed: boolean
}

function cleanContainers(root: Container): CleanedValue {
  const tally = new RemovalTally()
  const snapshots = new Map<Container, Snapshot>([[root, snapshotOf(root, tally)]])
  // A map grows while it is walked; so each container is read once, however often it is held.
  for (const [container, { items }] of snapshots) {
    for (const item of items) {
      if (!isContainer(item)) continue
      let inner = snapshots.get(item)
      if (inner === undefined) {
        inner = snapshotOf(item, tally)
        snapshots.set(item, inner)
      }
      inner.holders.add(container)
    }
  }
  const copies = emptyCopies(snapshots)
  for (const [container, copy] of copies) fill(copy, snapshots.get(container), copies)
  return { value: copies.get(root) ?? root, removed: tally.list() }
}

function snapshotOf(container: Container, tally: RemovalTally): Snapshot {
  let changed = false
  const clean = (text: string): string => {
    const cleaned = cleanText(text)
    if (cleaned.removed === NOTHING_REMOVED) return text
    tally.addAll(cleaned.removed)
    changed = true
    return cleaned.text
  }
  const names = Array.isArray(container) ? undefined : Object.keys(container)
  const values: readonly unknown[] = Array.isArray(container)
    ? container
    : (names ?? []).map((name): unknown => Reflect.get(container, name))
  const keys = names === undefined ? undefined : distinct(names, names.map(clean))
  const items = Array.from(values, (item) => (typeof item === 'string' ? clean(item) : item))
  return { keys, items, holders: new Set(), changed }
}

/** Gives a number to each changed name that is taken. */
function distinct(before: readonly string[], after: readonly string[]): readonly string[] {
  const taken = new Set(before.filter((name, index) => name === after[index]))
  const lastNumber = new Map<string, number>()
  return after.map((name, index) => {
    if (name === before[index]) return name
    let free = name
    for (let number = lastNumber.get(name) ?? 2; taken.has(free) || free === '__proto__'; number += 1) {
      free = `${name} (${number})`
      lastNumber.set(name, number + 1)
    }
    taken.add(free)
    return free
  })
}

/** A copy for each container that changed, and for each that holds one of those, directly or not. */
function emptyCopies(snapshots: ReadonlyMap<Container, Snapshot>): Map<Container, object> {
  const copies = new Map<Container, object>()
  const add = (container: Container): void => {
    if (copies.has(container)) return
    const prototype: object | null = Object.getPrototypeOf(container)
    copies.set(container, Array.isArray(container) ? [] : Object.create(prototype))
  }
  for (const [container, { changed }] of snapshots) if (changed) add(container)
  for (const container of copies.keys())
    for (const holder of snapshots.get(container)?.holders ?? []) add(holder)
  return copies
}

function fill(copy: object, snapshot: Snapshot | undefined, copies: ReadonlyMap<unknown, object>): void {
  snapshot?.items.forEach((item, index) => {
    // Defined, not assigned: `__proto__` is a key like any other in data.
    Object.defineProperty(copy, snapshot.keys?.[index] ?? index, {
      value: copies.get(item) ?? item,
      enumerable: true,
      writable: true,
      configurable: true,
    })
  })
}

/** Arrays, and objects that `{}`, JSON.parse or Object.create(null) make, of any realm. */
function isContainer(value: unknown): value is Container {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    return false
  return typeof Reflect.get(value, 'toJSON') !== 'function'
}

import { type Size, sizeOf } from '../../engine/result-size.js'

export type Path = readonly (string | number)[]

/** Shorter texts are names and numbers of things; a cut one would be another. */
export const leastText = 200
/** Of more arrays and texts than these the heaviest are enough: each is a place that would have to be told. */
const mostParts = 1024
/** What weighs less is weighed again where that is asked, rather than kept. */
const memorable = 64 * 1024
/** Written as it is, between quotes. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7f]*$/

export type Holder = Record<string | number, unknown>

/** A container on the way down; paths are written out only for what may be cut. */
interface Way {
  readonly up: Way | undefined
  readonly key: string | number
}

export interface List {
  readonly kind: 'list'
  readonly way: Way
  readonly items: unknown[]
  readonly size: Size
}

export interface Text {
  readonly kind: 'text'
  readonly way: Way
  readonly text: string
  readonly size: Size
  /** Where it stands. */
  readonly holder: Holder
  readonly key: string | number
}

export type Part = List | Text

/**
 * Weighs a value as JSON, with the heaviest of the arrays and long texts in it. A value of millions of small ones is no rarity, so that nothing
 * is made for one of them that is not kept.
 */
export class Survey {
  readonly size: Size
  /** The heaviest first. */
  readonly parts: readonly Part[]
  #parts: Part[] = []
  /** What is no heavier need not be kept. */
  #floor = -1
  #bytes = 0
  /** Of tokens: whole numbers. */
  #quarters = 0
  readonly #known = new WeakMap<object, Size>()

  constructor(holder: Holder, key: string) {
    this.#visit(holder, key, undefined)
    this.size = { bytes: this.#bytes, tokens: this.#quarters / 4 }
    this.#parts.sort(byWeight)
    this.parts = this.#parts
    this.#parts = []
  }

  /** What one item of a list weighs. */
  weigh(items: unknown[], index: number): Size {
    const item = items[index]
    const known = typeof item === 'object' && item !== null ? this.#known.get(item) : undefined
    if (known !== undefined) return known
    // Nothing is kept of what is found on the way.
    this.#floor = Number.POSITIVE_INFINITY
    const [bytes, quarters] = [this.#bytes, this.#quarters]
    this.#visit(items as unknown as Holder, index, undefined)
    return { bytes: this.#bytes - bytes, tokens: (this.#quarters - quarters) / 4 }
  }

  #visit(holder: Holder, key: string | number, up: Way | undefined): void {
    const value = holder[key]
    if (typeof value === 'string') {
      const size = this.#addText(value)
      if (value.length > leastText && size.bytes > this.#floor) {
        this.#keep({ kind: 'text', way: { up, key }, text: value, size, holder, key })
      }
      return
    }
    if (typeof value !== 'object' || value === null) {
      this.#addAscii(String(value).length)
      return
    }
    const [bytes, quarters] = [this.#bytes, this.#quarters]
    const way: Way = { up, key }
    const inner = value as Holder
    if (Array.isArray(value)) {
      this.#addAscii(2 + Math.max(0, value.length - 1))
      for (let index = 0; index < value.length; index += 1) this.#visit(inner, index, way)
    } else {
      const names = Object.keys(value)
      this.#addAscii(2 + Math.max(0, names.length - 1) + names.length)
      for (const name of names) {
        this.#addText(name)
        this.#visit(inner, name, way)
      }
    }
    const weight = this.#bytes - bytes
    const kept = Array.isArray(value) && weight > this.#floor
    if (!kept && weight < memorable) return
    const size = { bytes: weight, tokens: (this.#quarters - quarters) / 4 }
    if (weight >= memorable) this.#known.set(value, size)
    if (kept) this.#keep({ kind: 'list', way, items: value, size })
  }

  /** Brackets, commas and colons, numbers and words. */
  #addAscii(count: number): void {
    this.#bytes += count
    this.#quarters += count
  }

  #addText(text: string): Size {
    const size = plain.test(text)
      ? { bytes: text.length + 2, tokens: (text.length + 2) / 4 }
      : sizeOf(JSON.stringify(text))
    this.#bytes += size.bytes
    this.#quarters += size.tokens * 4
    return size
  }

  #keep(part: Part): void {
    this.#parts.push(part)
    if (this.#parts.length < 2 * mostParts) return
    this.#parts.sort(byWeight)
    this.#parts.length = mostParts
    this.#floor = this.#parts.at(-1)?.size.bytes ?? this.#floor
  }
}

/** Arrays before texts where they weigh the same. */
function byWeight(one: Part, other: Part): number {
  return other.size.bytes - one.size.bytes || one.kind.localeCompare(other.kind)
}

/** Without the first step, which leads to the value itself. */
export function pathOf({ way }: Part): Path {
  const path: (string | number)[] = []
  for (let at = way; at.up !== undefined; at = at.up) path.unshift(at.key)
  return path
}

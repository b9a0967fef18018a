import { LRUCache } from 'lru-cache'
import type { Bounded } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'

/** An answer as it is kept: text, so that nobody can change it for the next one. Times are milliseconds since 1970. */
export interface KeptAnswer {
  readonly text: string
  readonly freshUntil: number
  readonly staleUntil: number
  readonly tags: readonly string[]
}

export interface KeptAnswersOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly clock: Clock
}

/** What a record takes beside its text, and each tag in the index beside its name, about. */
const overheadBytes = 200

/** Answers that this node keeps, found by key and thrown out by tag, bounded in number and bytes. */
export class KeptAnswers {
  readonly #entries: LRUCache<string, KeptAnswer>
  readonly #byTag = new Map<string, Set<string>>()
  readonly #options: KeptAnswersOptions
  readonly bounded: readonly Bounded[]
  #evicted = 0
  #tooLarge = 0

  constructor(options: KeptAnswersOptions) {
    const { maxEntries, maxBytes } = options
    this.#options = options
    this.#entries = new LRUCache<string, KeptAnswer>({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: ({ text, tags }, key) =>
        (text.length + key.length) * 2 +
        tags.reduce((sum, tag) => sum + tag.length * 2 + overheadBytes, overheadBytes),
      dispose: ({ tags }, key, reason) => {
        if (reason === 'evict') this.#evicted += 1
        this.#unlink(key, tags)
      },
    })
    this.bounded = [
      {
        stats: () => ({
          name: 'answers kept',
          size: this.#entries.size,
          limit: maxEntries,
          unit: 'entries',
          dropped: this.#evicted,
        }),
      },
      {
        stats: () => ({
          name: 'bytes of answers kept',
          size: this.#entries.calculatedSize,
          limit: maxBytes,
          unit: 'bytes',
          dropped: this.#tooLarge,
        }),
      },
    ]
  }

  /** Undefined when there is none, or it is too old to be served at all. */
  get(key: string): KeptAnswer | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || this.#options.clock.now() < entry.staleUntil) return entry
    this.#entries.delete(key)
    return undefined
  }

  put(key: string, answer: KeptAnswer): void {
    this.#entries.set(key, answer)
    if (!this.#entries.has(key)) {
      this.#tooLarge += 1
      return
    }
    for (const tag of answer.tags) {
      const keys = this.#byTag.get(tag)
      if (keys === undefined) this.#byTag.set(tag, new Set([key]))
      else keys.add(key)
    }
  }

  /** Throws out what is known by the tag; returns how many there were. */
  invalidate(tag: string): number {
    const keys = [...(this.#byTag.get(tag) ?? [])]
    for (const key of keys) this.#entries.delete(key)
    return keys.length
  }

  #unlink(key: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const keys = this.#byTag.get(tag)
      keys?.delete(key)
      if (keys?.size === 0) this.#byTag.delete(tag)
    }
  }
}

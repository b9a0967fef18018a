import type { Abandoned } from '../concurrency/abandoned.js'
import type { Deadlines } from '../concurrency/deadlines.js'
import type { Bus } from '../contracts/bus.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import type { Store } from '../contracts/store.js'
import type { Changes } from '../engine/changes.js'
import type { Stats } from '../engine/stats.js'
import type { AnswerCache } from '../middleware/cache/answer-cache.js'
import { listingTag, tagOfResource } from '../middleware/cache/cache.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { CacheLimits } from './options.js'

const topic = 'holdfast:cache'
const defaultMaxEntries = 10_000
const defaultMaxBytes = 64 * 1024 * 1024

export interface CachingOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly stats: Stats
  readonly bus: Bus
  readonly limits: CacheLimits | undefined
  readonly store: Store | undefined
}

/** The answers of one server that are kept, and how the nodes of a fleet tell each other which are old. */
export class Caching {
  readonly #options: CachingOptions
  readonly #node = crypto.randomUUID()
  #loading: Promise<AnswerCache> | undefined
  #loaded: AnswerCache | undefined

  constructor(options: CachingOptions) {
    this.#options = options
    options.bus.subscribe(topic, (message) => this.#hear(message))
  }

  /** Loaded with the first call of a definition that has a cache: other servers never pay for it. */
  answers(work: { readonly deadlines: Deadlines; readonly abandoned: Abandoned }): Promise<AnswerCache> {
    this.#loading ??= this.#load(work)
    return this.#loading
  }

  /** What other nodes say of resources is heard with their changes. */
  follow(changes: Changes): void {
    changes.listen((change) => {
      if (change.kind === 'resource') this.#loaded?.forget([tagOfResource(change.uri)])
      else if (change.kind === 'resources') this.#loaded?.forget([listingTag])
    })
  }

  /**
   * Throws out what is known by the tags on every node. Resolves when all that can be told were told; rejects when the shared store
   * could not be, and then other nodes may serve old answers until their time is over.
   */
  async invalidate(tags: readonly string[]): Promise<void> {
    this.#loaded?.forget(tags)
    if (this.#options.store !== undefined) await this.#tellStore(tags)
    await this.#options.bus.publish(topic, JSON.stringify({ from: this.#node, tags }))
  }

  /**
   * The same for a resource, whose change is announced to the other nodes anyway. A promise, which never rejects, while a shared store
   * is told.
   */
  resourceChanged(uri: string): Promise<void> | undefined {
    const tags = [tagOfResource(uri)]
    this.#loaded?.forget(tags)
    if (this.#options.store === undefined) return undefined
    return this.#tellStore(tags).catch((error: unknown) => {
      this.#options.logger.error('The shared cache could not be told that a resource changed.', {
        uri,
        error,
      })
    })
  }

  /** A node that keeps no answers of its own tells the store all the same. */
  async #tellStore(tags: readonly string[]): Promise<void> {
    const { store, clock } = this.#options
    if (store === undefined) return
    const { SharedAnswers } = await import('../middleware/cache/shared-answers.js')
    const shared = new SharedAnswers(store, clock, () => undefined)
    await Promise.all(tags.map((tag) => shared.invalidate(tag)))
    // What was read from the store in between is old.
    this.#loaded?.forget(tags)
  }

  async #load(work: { readonly deadlines: Deadlines; readonly abandoned: Abandoned }): Promise<AnswerCache> {
    const { limits = {}, clock, logger, stats, store } = this.#options
    const { AnswerCache } = await import('../middleware/cache/answer-cache.js')
    this.#loaded = new AnswerCache({
      ...work,
      clock,
      logger,
      stats,
      store,
      maxEntries: limits.maxEntries ?? defaultMaxEntries,
      maxBytes: limits.maxBytes ?? defaultMaxBytes,
    })
    return this.#loaded
  }

  #hear(message: string): void {
    let value: unknown
    try {
      value = JSON.parse(message)
    } catch {
      // Another version of ours may be on the bus.
      return
    }
    if (!isRecord(value) || value['from'] === this.#node || !Array.isArray(value['tags'])) return
    this.#loaded?.forget(value['tags'].filter((tag) => typeof tag === 'string'))
  }
}

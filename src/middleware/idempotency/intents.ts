import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'
import type { Logger } from '../../contracts/logger.js'
import type { Store } from '../../contracts/store.js'
import type { Call, Next } from '../../engine/call.js'
import { asToolResult, fromKept, type KeptToolResult } from '../../engine/tool-result.js'
import { unanswered } from '../../engine/unanswered.js'
import { ToolError, type ToolErrorDetails, toolErrorMeta } from '../../errors/tool-error.js'
import { isRecord } from '../../protocol/json-rpc.js'
import { conflict, inDoubt, unavailable } from './refusals.js'

/** How long an answer is given again, and a key cannot be used for something else. */
const keptMs = 24 * 60 * 60 * 1000
/** How often another node's call is looked at. */
const pollMs = 100
/** What a call may take beyond its timeout before nobody knows any more what came of it. */
const graceMs = 5000
/** Idempotent calls that run here at once; each belongs to a call in flight, and those have limits of their own. */
const maxRunning = 10_000

/** One intent of one caller: what it is called in the store, and what it asks for. */
export interface Intent {
  readonly key: string
  readonly digest: string
  /** Milliseconds that the call may take. */
  readonly timeoutMs: number
}

/** What the store holds of an intent: `d` what was asked, and how far it is. */
type Record =
  | { readonly d: string; readonly s: 'running'; readonly until: number }
  | {
      readonly d: string
      readonly s: 'done'
      readonly result: KeptToolResult
    }
  | {
      readonly d: string
      readonly s: 'failed'
      readonly code: string
      readonly details: ToolErrorDetails & { message: string }
    }
  | { readonly d: string; readonly s: 'in doubt' }

/** Whether the call ends with a question to its client (2026-07-28), who will send it again with the answer. */
function isAsking({ exchange }: Call, thrown: unknown): boolean {
  return exchange.ended === 'asking' || thrown === unanswered
}

export interface IntentsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Calls that run once for each key. Who comes first writes that it runs, then what came of it; everybody else gets that. A call whose
 * end nobody saw is in doubt and never runs again: the store would have to say that nothing happened, and it cannot.
 */
export class Intents implements Bounded {
  readonly #options: IntentsOptions
  /** Those that run here, so that others on this node need not look again and again. */
  readonly #running = new Map<string, Promise<unknown>>()

  constructor(options: IntentsOptions) {
    this.#options = options
  }

  async run(intent: Intent, call: Call, next: Next): Promise<unknown> {
    while (call.exchange.ended === undefined) {
      const record = await this.#claim(intent)
      if (record === undefined) return this.#begin(intent, call, next)
      if (record.d !== intent.digest) throw conflict(call.name)
      if (record.s === 'done') return fromKept(record.result)
      if (record.s === 'failed') throw new ToolError(record.code, record.details)
      if (record.s === 'in doubt') throw inDoubt(call.name)
      // What runs here is in no doubt, however long it takes: it may be a task by now.
      const isOver = record.until < this.#options.clock.now() && !this.#running.has(intent.key)
      if (isOver) throw inDoubt(call.name)
      await this.#turn(intent, call)
    }
    // Nobody waits for it any more; what this says is not sent.
    throw unavailable(call.name)
  }

  stats(): BoundedStats {
    return {
      name: 'idempotent calls that run',
      size: this.#running.size,
      limit: maxRunning,
      unit: 'entries',
      dropped: 0,
    }
  }

  /** Undefined for who is the first. @throws ToolError when the store does not say, so that nothing runs twice. */
  async #claim({ key, digest, timeoutMs }: Intent): Promise<Record | undefined> {
    const { store, clock, logger } = this.#options
    const until = clock.now() + timeoutMs + graceMs
    const mine: Record = { d: digest, s: 'running', until }
    try {
      // What was there may be gone when it is read: then somebody may be the first after all.
      for (let attempt = 0; attempt < 3; attempt += 1) {
        if (await store.setIfAbsent(key, JSON.stringify(mine), keptMs)) return undefined
        const text = await store.get(key)
        if (text !== undefined) return readRecord(text)
      }
    } catch (error) {
      logger.error('The store of idempotent calls does not answer, so none is begun.', { error })
    }
    throw unavailable()
  }

  /** The first runs, and whoever waits here is told when it is over. */
  async #begin(intent: Intent, call: Call, next: Next): Promise<unknown> {
    const work = this.#runOnce(intent, call, next)
    if (this.#running.size < maxRunning) this.#running.set(intent.key, work)
    try {
      return await work
    } finally {
      if (this.#running.get(intent.key) === work) this.#running.delete(intent.key)
    }
  }

  async #runOnce({ key, digest }: Intent, call: Call, next: Next): Promise<unknown> {
    try {
      const result = asToolResult(await next(), false)
      if (isAsking(call, undefined)) {
        // Whatever the handler made of it: its client is asked, and then it runs again.
        await this.#forget(key)
        return result
      }
      await this.#write(key, { d: digest, s: 'done', result })
      return result
    } catch (thrown) {
      await this.#settle(key, digest, call, thrown)
      throw thrown
    }
  }

  async #settle(key: string, digest: string, call: Call, thrown: unknown): Promise<void> {
    // Refused before the handler, or asked and to be sent again: nothing was done yet.
    const untouched = call.begun !== true || isAsking(call, thrown)
    // The handler vouches for it: the same call may succeed later.
    const repeatable = ToolError.is(thrown) && thrown.details.retryable === true
    if (untouched || repeatable) await this.#forget(key)
    else if (ToolError.is(thrown)) {
      const details = { ...toolErrorMeta(thrown), message: thrown.message }
      await this.#write(key, { d: digest, s: 'failed', code: thrown.code, details })
    } else await this.#write(key, { d: digest, s: 'in doubt' })
  }

  async #write(key: string, record: Record): Promise<void> {
    try {
      await this.#options.store.set(key, JSON.stringify(record), keptMs)
    } catch (error) {
      // It stays written that the call runs, and after its time that it is in doubt: never that it may run again.
      this.#options.logger.error('What came of an idempotent call could not be kept.', { error })
    }
  }

  async #forget(key: string): Promise<void> {
    try {
      await this.#options.store.delete(key)
    } catch (error) {
      this.#options.logger.error('An idempotent call that did not run could not be freed.', { error })
    }
  }

  /** Resolves when it is worth looking again, or when its own call has ended: who waits is no handler that goes on. */
  #turn({ key }: Intent, { exchange }: Call): Promise<void> {
    return new Promise((resolve) => {
      const here = this.#running.get(key)
      let stop = (): void => undefined
      const stay = exchange.whenEnded(() => {
        stop()
        resolve()
      })
      const look = (): void => {
        stay()
        resolve()
      }
      if (here === undefined) stop = this.#options.clock.after(pollMs, look)
      else here.then(look, look)
    })
  }
}

/** A store is shared with other releases. @throws Error for what none of ours wrote, and then nothing may run. */
function readRecord(text: string): Record {
  const value: unknown = JSON.parse(text)
  if (isRecord(value) && typeof value['d'] === 'string') {
    const { s, until, result, code, details } = value
    const isOurs =
      s === 'in doubt' ||
      (s === 'running' && typeof until === 'number') ||
      (s === 'done' && isRecord(result)) ||
      (s === 'failed' && typeof code === 'string' && isRecord(details))
    if (isOurs) return value as unknown as Record
  }
  throw new Error('The record of an idempotent call is none that this release can read.')
}

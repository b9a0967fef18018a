import type { Clock } from '../../contracts/clock.js'
import type { Store } from '../../contracts/store.js'
import { digestOf } from '../../protocol/canonical-json.js'
import { isRecord } from '../../protocol/json-rpc.js'
import type { KeptAnswer } from './kept-answers.js'

/** Longer than any answer lives, so that no answer from before an invalidation can come back to life. */
const generationMs = 2 ** 31 - 1

/** An answer with the generation that each of its tags had when it began to be made. */
export type Generations = Readonly<Record<string, string>>

/**
 * Answers in a store that other nodes share. Each tag has a generation there, a random text that an invalidation replaces; an answer
 * counts only while the generations of its tags are still those from before it was made. So an answer made from old data while the
 * data changed is never served, whichever node made it. What the store cannot say is as if it were not there.
 */
export class SharedAnswers {
  readonly #store: Store
  readonly #clock: Clock
  readonly #onFailure: (error: unknown) => void

  constructor(store: Store, clock: Clock, onFailure: (error: unknown) => void) {
    this.#store = store
    this.#clock = clock
    this.#onFailure = onFailure
  }

  /** What the tags stand at now; undefined when the store does not say, and then nothing may be put there. */
  async generations(tags: readonly string[]): Promise<Generations | undefined> {
    try {
      const values = await Promise.all(tags.map((tag) => this.#store.get(`tag:${tag}`)))
      return Object.fromEntries(tags.map((tag, at) => [tag, values[at] ?? '']))
    } catch (error) {
      this.#onFailure(error)
      return undefined
    }
  }

  async get(key: string, now: Generations): Promise<KeptAnswer | undefined> {
    try {
      const kept = read(await this.#store.get(await nameOf(key)))
      if (kept === undefined || kept.answer.staleUntil <= this.#clock.now()) return undefined
      return sameGenerations(kept.generations, now) ? kept.answer : undefined
    } catch (error) {
      this.#onFailure(error)
      return undefined
    }
  }

  async put(key: string, answer: KeptAnswer, generations: Generations): Promise<void> {
    const { text, freshUntil, staleUntil, tags } = answer
    const ttlMs = staleUntil - this.#clock.now()
    if (ttlMs <= 0) return
    try {
      const value = JSON.stringify({ x: text, f: freshUntil, s: staleUntil, t: tags, g: generations })
      await this.#store.set(await nameOf(key), value, ttlMs)
    } catch (error) {
      this.#onFailure(error)
    }
  }

  /** From here on no answer made before counts. @throws what the store rejects with: its caller must know. */
  async invalidate(tag: string): Promise<void> {
    await this.#store.set(`tag:${tag}`, crypto.randomUUID(), generationMs)
  }
}

/** Keys hold arguments, which can be long and need not be readable in a store. */
async function nameOf(key: string): Promise<string> {
  return `answer:${await digestOf(key)}`
}

function sameGenerations(made: Generations, now: Generations): boolean {
  return Object.keys(now).every((tag) => made[tag] === now[tag])
}

function read(text: string | undefined): { answer: KeptAnswer; generations: Generations } | undefined {
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) return undefined
  const { x, f, s, t, g } = value
  if (typeof x !== 'string' || typeof f !== 'number' || typeof s !== 'number') return undefined
  if (!Array.isArray(t) || !isRecord(g)) return undefined
  const answer = { text: x, freshUntil: f, staleUntil: s, tags: t as readonly string[] }
  return { answer, generations: g as Generations }
}

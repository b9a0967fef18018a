import type { Question } from '../engine/interaction.js'
import { canonicalJson, shortHash } from '../protocol/canonical-json.js'
import { isRecord } from '../protocol/json-rpc.js'

/**
 * Which question is which, from one run of a handler to the next, and under which keys the client answers. A question
 * is known by what it asks, the key that its author gave it, and how often it was asked in this run; the order in which
 * questions come does not matter. The client sees short keys: the author's, or one made of what is asked.
 */
export class QuestionKeys {
  /** What came with this request, by the client's key. */
  readonly #responses = new Map<string, unknown>()
  /** Which questions the client was asked in the last round, by its keys; undefined without a state. */
  readonly #asked: ReadonlyMap<string, string> | undefined
  /** The same, by question. */
  readonly #keyOf = new Map<string, string>()
  readonly #occurrences = new Map<string, number>()

  constructor(responses: unknown, asked: ReadonlyMap<string, string> | undefined) {
    this.#asked = asked
    for (const [key, identity] of asked ?? []) this.#keyOf.set(identity, key)
    // Answers under keys that nobody asks for are never looked at (patterns/mrtr, "Error Handling").
    for (const [key, answer] of Object.entries(isRecord(responses) ? responses : {})) {
      if (isRecord(answer)) this.#responses.set(key, answer)
    }
  }

  /** The question that is asked now; asked twice it is two. */
  of(question: Question): { readonly identity: string; readonly key: string } {
    const hash = shortHash(canonicalJson([question.method, question.params]))
    const base = JSON.stringify([question.key ?? null, hash])
    const occurrence = (this.#occurrences.get(base) ?? 0) + 1
    this.#occurrences.set(base, occurrence)
    const name = question.key ?? `${question.method.split('/')[0] ?? 'question'}-${hash}`
    return { identity: `${base}${occurrence}`, key: occurrence === 1 ? name : `${name}.${occurrence}` }
  }

  /**
   * The client's answer, as it came. With a state only to what was asked; without one a client may answer what it knows
   * that it will be asked.
   */
  given(identity: string, key: string): unknown {
    if (this.#asked === undefined) return this.#responses.get(key)
    const asked = this.#keyOf.get(identity)
    return asked === undefined ? undefined : this.#responses.get(asked)
  }

  /** The key to ask under: unique in its round, whatever keys authors give. */
  free(key: string, isTaken: (key: string) => boolean): string {
    let free = key
    for (let more = 2; isTaken(free); more += 1) free = `${key}~${more}`
    return free
  }
}

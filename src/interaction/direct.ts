import type { Clock } from '../contracts/clock.js'
import type { Exchange } from '../engine/exchange.js'
import type { Question } from '../engine/interaction.js'
import { ToolError } from '../errors/tool-error.js'
import { type Asker, withProblem } from './asker.js'

/** How long a person may think. The call's own deadline waits meanwhile. */
const answerMs = 10 * 60_000
/** How often a question is put before its answers are given up on. */
const maxAttempts = 3

/** Puts one question, as it was or with what was wrong with the last answer; resolves with what came back. */
type Put = (question: Question, params: object, signal: AbortSignal) => Promise<unknown>

/** Questions as requests to the client, which the handler waits for (the handshake revisions, and tasks). */
export class DirectAsker implements Asker {
  readonly #exchange: Exchange
  readonly #clock: Clock
  readonly #put: Put
  readonly #done = new Map<string, Promise<unknown>>()
  /** Of the questions that wait. One listener for all, because Node warns of many on one signal. */
  readonly #waiting = new Set<AbortController>()
  #listening = false

  constructor(exchange: Exchange, clock: Clock, put: Put) {
    this.#exchange = exchange
    this.#clock = clock
    this.#put = put
  }

  async ask(question: Question): Promise<unknown> {
    const answered = this.#exchange.questionOpened()
    try {
      let problem: string | undefined
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const answer = await this.#within(answerMs, (signal) =>
          this.#put(question, withProblem(question, problem), signal),
        )
        problem = await question.check(answer)
        if (problem === undefined) return answer
      }
      throw new ToolError('unanswered', {
        message: `The client was asked ${maxAttempts} times and no answer fitted. ${problem ?? ''}`.trim(),
        retryable: true,
      })
    } finally {
      answered()
    }
  }

  once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value> {
    const known = this.#done.get(key)
    if (known !== undefined) return known as Promise<Value>
    const working = (async () => work())()
    this.#done.set(key, working)
    // What failed has not happened.
    working.catch(() => this.#done.delete(key))
    return working
  }

  outcome(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  /** Bounds the wait, and ends it with the call. */
  async #within(ms: number, work: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> {
    const controller = new AbortController()
    this.#waiting.add(controller)
    this.#listen()
    const stop = this.#clock.after(ms, () =>
      controller.abort(
        new ToolError('unanswered', {
          message: `The client did not answer within ${ms / 60_000} minutes.`,
          retryable: true,
        }),
      ),
    )
    try {
      return await work(controller.signal)
    } finally {
      stop()
      this.#waiting.delete(controller)
    }
  }

  #listen(): void {
    const { signal } = this.#exchange
    const end = (): void => {
      for (const controller of this.#waiting) controller.abort(signal.reason)
    }
    if (signal.aborted) end()
    if (this.#listening) return
    this.#listening = true
    signal.addEventListener('abort', end, { once: true })
  }
}

import type { Clock } from '../contracts/clock.js'
import type { Exchange } from '../engine/exchange.js'
import type { Question } from '../engine/interaction.js'
import type { Counters } from '../engine/stats.js'
import { unanswered } from '../engine/unanswered.js'
import { ToolError } from '../errors/tool-error.js'
import { type Asker, withProblem } from './asker.js'

/** How long a person may think. The call's own deadline waits meanwhile. */
const answerMs = 10 * 60_000
/** How often a question is put before its answers are given up on. */
const maxAttempts = 3

/** Puts one question, as it was or with what was wrong with the last answer; resolves with what came back. */
type Put = (question: Question, params: object, signal: AbortSignal) => Promise<unknown>

export interface DirectOptions {
  readonly clock: Clock
  readonly counters: Counters
  readonly put: Put
}

/** Questions as requests to the client, which the handler waits for (the handshake revisions, and tasks). */
export class DirectAsker implements Asker {
  readonly asks = false
  readonly #exchange: Exchange
  readonly #options: DirectOptions
  readonly #done = new Map<string, Promise<unknown>>()
  /** Of the questions that wait. One listener for all, because Node warns of many on one signal. */
  readonly #waiting = new Set<AbortController>()
  #listening = false
  /** What questions reject with since the call is over. */
  #over: { readonly reason: unknown } | undefined

  constructor(exchange: Exchange, options: DirectOptions) {
    this.#exchange = exchange
    this.#options = options
  }

  async ask(question: Question): Promise<unknown> {
    this.#listen()
    this.#mustGoOn()
    const answered = this.#exchange.questionOpened()
    try {
      let problem: string | undefined
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const answer = await this.#put(question, withProblem(question, problem))
        problem = await question.check(answer)
        if (problem === undefined) return answer
        this.#mustGoOn()
      }
      // What was wrong with the answers was told to whoever gave them, and to nobody else.
      throw new ToolError('unanswered', {
        message: `The client was asked ${maxAttempts} times, and no answer fitted.`,
        hint: 'Call again, and answer what is asked.',
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
  async #put(question: Question, params: object): Promise<unknown> {
    const { clock, counters, put } = this.#options
    const controller = new AbortController()
    this.#waiting.add(controller)
    const late = new ToolError('unanswered', {
      message: `The client did not answer within ${answerMs / 60_000} minutes.`,
      retryable: true,
    })
    const stop = clock.after(answerMs, () => controller.abort(late))
    counters.questions += 1
    try {
      return await put(question, params, controller.signal)
    } finally {
      stop()
      this.#waiting.delete(controller)
    }
  }

  /** A call that was answered asks nothing more, and whoever still waits is let go. */
  #mustGoOn(): void {
    if (this.#over !== undefined) throw this.#over.reason
  }

  #listen(): void {
    if (this.#listening) return
    this.#listening = true
    const exchange = this.#exchange
    const end = (reason: unknown): void => {
      this.#over ??= { reason }
      for (const controller of [...this.#waiting]) controller.abort(reason)
    }
    const { signal } = exchange
    if (signal.aborted) end(signal.reason)
    else signal.addEventListener('abort', () => end(signal.reason), { once: true })
    exchange.whenAnswered(() => end(unanswered))
  }
}

import type { Clock } from '../contracts/clock.js'
import { afterTick } from '../engine/after-tick.js'
import type { Exchange } from '../engine/exchange.js'
import type { Question } from '../engine/interaction.js'
import type { Counters } from '../engine/stats.js'
import { unanswered } from '../engine/unanswered.js'
import { ToolError } from '../errors/tool-error.js'
import { type Asker, withProblem } from './asker.js'
import { QuestionKeys } from './question-keys.js'
import { type RoundState, type StateOptions, sealState } from './request-state.js'

/** How often one call may come back before it is given up on. */
const maxRounds = 8
/** Questions after the end of a round that are turned away at once; a handler that still insists is slowed down. */
const patience = 100
const insistentMs = 1000

interface Pending {
  /** Which question it is. */
  readonly identity: string
  readonly request: { readonly method: string; readonly params: object }
}

export interface ReplayOptions extends StateOptions {
  readonly clock: Clock
  readonly counters: Counters
}

/**
 * Questions as an answer that the client comes back from: the handler runs again, from its start, with what it was
 * answered (2026-07-28, patterns/mrtr). The first question opens a window until the turn of the event loop is over; all
 * that is asked in it is one round. Then the handler is let go, and what it still does counts for nothing.
 */
export class ReplayAsker implements Asker {
  readonly #exchange: Exchange
  readonly #options: ReplayOptions
  readonly #keys: QuestionKeys
  /** Answers that fitted, by question, in this round or an earlier one; they travel with the state. */
  readonly #answers: Map<string, unknown>
  readonly #once: Map<string, unknown>
  /** Work of this run that is to happen once; its values are there when it is done. */
  readonly #working = new Map<string, Promise<unknown>>()
  /** By the key under which the client answers. */
  readonly #pending = new Map<string, Pending>()
  readonly #letGo: (() => void)[] = []
  /** Answers that are being checked; a round waits for them. */
  #checking = 0
  #window: 'none' | 'open' | 'closed' = 'none'
  #late = 0
  /** Called when there is less to wait for. */
  #onQuiet: (() => void)[] = []

  constructor(exchange: Exchange, options: ReplayOptions, state: RoundState | undefined) {
    this.#exchange = exchange
    this.#options = options
    this.#answers = new Map(state?.answers)
    this.#once = new Map(state?.once)
    exchange.round = (state?.round ?? 0) + 1
    const responses = state === undefined && options.singleUse ? undefined : exchange.params['inputResponses']
    this.#keys = new QuestionKeys(responses, state?.asked)
  }

  get asks(): boolean {
    return this.#pending.size > 0
  }

  async ask(question: Question): Promise<unknown> {
    const { identity, key } = this.#keys.of(question)
    // Also an answer of an earlier round is checked, because the check is what reads it.
    const given = this.#answers.get(identity) ?? this.#keys.given(identity, key)
    let problem: string | undefined
    if (given !== undefined) {
      this.#checking += 1
      try {
        problem = await question.check(given)
        if (problem === undefined) this.#answers.set(identity, given)
        else {
          this.#answers.delete(identity)
          this.#note(key, identity, question, problem)
        }
      } finally {
        this.#checking -= 1
        this.#quiet()
      }
      if (problem === undefined) return given
    } else {
      this.#note(key, identity, question, undefined)
    }
    return this.#putOff()
  }

  async once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value> {
    if (this.#once.has(key)) return this.#once.get(key) as Value
    let working = this.#working.get(key)
    if (working === undefined) {
      // What it came to would be lost, and it would be done again with the answer.
      if (!this.#exchange.open) return this.#putOff()
      working = (async () => work())()
      this.#working.set(key, working)
      const settled = (): void => {
        this.#working.delete(key)
        this.#quiet()
      }
      working.then((value) => {
        this.#once.set(key, value)
        settled()
      }, settled)
    }
    return (await working) as Value
  }

  async outcome(): Promise<string | undefined> {
    await this.#until(() => this.#checking === 0)
    if (this.#pending.size === 0) return undefined
    // What must happen once has to be done before the client comes back, or it would be done twice.
    await this.#until(() => this.#window === 'closed' && this.#working.size === 0)
    const { ended, round, dialect } = this.#exchange
    if (ended === 'timed out' || ended === 'closing') throw endedBeforeAsking(ended)
    if (round >= maxRounds) {
      throw new ToolError('unanswered', {
        message: `The client was asked in ${maxRounds} rounds, and there is still something to ask.`,
        hint: 'Start over, and answer all that is asked.',
        retryable: true,
      })
    }
    const asked = new Map([...this.#pending].map(([key, { identity }]) => [key, identity]))
    const state = { round, answers: this.#answers, asked, once: this.#once }
    const token = await sealState(state, this.#exchange, this.#options)
    this.#options.counters.questions += asked.size
    const requests = Object.fromEntries([...this.#pending].map(([key, { request }]) => [key, request]))
    const members = `"inputRequests":${JSON.stringify(requests)},"requestState":${JSON.stringify(token)}`
    return dialect.result(members, { type: 'input_required' })
  }

  #mayAsk(): boolean {
    return this.#window !== 'closed' && this.#exchange.open
  }

  /** Takes a question into the round, as long as it is open. */
  #note(key: string, identity: string, question: Question, problem: string | undefined): void {
    if (!this.#mayAsk()) return
    const request = { method: question.method, params: withProblem(question, problem) }
    this.#pending.set(
      this.#keys.free(key, (taken) => this.#pending.has(taken)),
      { identity, request },
    )
  }

  /** What rejects once the round is complete; at once, in a turn of its own, when it is. */
  #putOff(): Promise<never> {
    const put = new Promise<never>((_resolve, reject) => {
      const letGo = (): void => reject(unanswered)
      if (this.#mayAsk()) this.#letGo.push(letGo)
      else this.#turnAway(letGo)
    })
    // A question that nobody waits for is asked all the same, and its rejection is nobody's mistake.
    put.catch(() => undefined)
    if (this.#window === 'none') {
      this.#window = 'open'
      afterTick(() => this.#close())
    }
    return put
  }

  /** A handler that asks on and on must not keep the process from other work. */
  #turnAway(letGo: () => void): void {
    this.#late += 1
    if (this.#late <= patience) afterTick(letGo)
    else this.#options.clock.after(insistentMs, letGo)
  }

  /** The round is complete: whoever asked is let go, and the call ends once what must happen once has happened. */
  #close(): void {
    if (this.#checking > 0) {
      this.#onQuiet.push(() => this.#close())
      return
    }
    this.#window = 'closed'
    for (const letGo of this.#letGo.splice(0)) letGo()
    this.#end()
  }

  #end(): void {
    if (this.#working.size > 0) {
      this.#onQuiet.push(() => this.#end())
      return
    }
    this.#exchange.end('asking')
    this.#quiet()
  }

  /** Waits until `done`, but not longer than the call may take; then, or when it ends otherwise, it is over. */
  async #until(done: () => boolean): Promise<void> {
    const exchange = this.#exchange
    const over = (): boolean => done() || (exchange.ended !== undefined && exchange.ended !== 'asking')
    if (over()) return
    const { clock, timeoutMs } = this.#options
    const left = exchange.arrivedAt + (exchange.timeoutMs ?? timeoutMs) - clock.monotonic()
    const stop = clock.after(Math.max(0, left), () => exchange.end('timed out'))
    const quiet = (): void => this.#quiet()
    exchange.signal.addEventListener('abort', quiet)
    while (!over()) {
      await new Promise<void>((resolve) => {
        this.#onQuiet.push(resolve)
      })
    }
    exchange.signal.removeEventListener('abort', quiet)
    stop()
  }

  #quiet(): void {
    for (const tell of this.#onQuiet.splice(0)) tell()
  }
}

function endedBeforeAsking(ended: 'timed out' | 'closing'): ToolError {
  return ended === 'closing'
    ? new ToolError('shutting_down', {
        message:
          'The call was stopped before its client could be asked, because the server is shutting down.',
        hint: 'Try again in a moment.',
        retryable: true,
      })
    : new ToolError('timed_out', {
        message: 'The call was not ready to ask its client in time.',
        hint: 'Ask for less at once, or try again later.',
        retryable: true,
      })
}

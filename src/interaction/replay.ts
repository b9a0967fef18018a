import { afterTick } from '../engine/after-tick.js'
import type { Exchange } from '../engine/exchange.js'
import type { Question } from '../engine/interaction.js'
import { unanswered } from '../engine/unanswered.js'
import { ToolError } from '../errors/tool-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import { type Asker, withProblem } from './asker.js'
import { canonicalJson, shortHash } from './canonical-json.js'
import { type KeptAnswer, type RoundState, type StateOptions, sealState } from './request-state.js'

/** How often one call may come back before it is given up on. */
const maxRounds = 8

interface Pending {
  /** Which question it is, by its hash. */
  readonly question: string
  readonly request: { readonly method: string; readonly params: object }
}

/**
 * Questions as an answer that the client comes back from: the handler runs again, from its start, with what it was
 * answered (2026-07-28, patterns/mrtr). The first question opens a window until the turn of the event loop is over; all
 * that is asked in it is one round. Then the handler is let go, and what it still does counts for nothing.
 */
export class ReplayAsker implements Asker {
  readonly #exchange: Exchange
  readonly #options: StateOptions
  /** Answers that fitted, in this round or an earlier one; they travel with the state. */
  readonly #answers: Map<string, KeptAnswer>
  /** What came with this request and was not looked at yet; what nobody asks for is dropped with it. */
  readonly #given = new Map<string, KeptAnswer>()
  readonly #once: Map<string, unknown>
  /** Work of this run that is to happen once; its values are there when it is done. */
  readonly #working = new Map<string, Promise<unknown>>()
  /** How often each question was asked in this run. */
  readonly #occurrences = new Map<string, number>()
  readonly #pending = new Map<string, Pending>()
  readonly #letGo: (() => void)[] = []
  /** Answers that are being checked; a round waits for them. */
  #checking = 0
  #window: 'none' | 'open' | 'closed' = 'none'
  /** Called when there is less to wait for. */
  #onQuiet: (() => void)[] = []

  constructor(exchange: Exchange, options: StateOptions, state: RoundState | undefined) {
    this.#exchange = exchange
    this.#options = options
    this.#answers = new Map(state?.answers)
    this.#once = new Map(state?.once)
    exchange.round = (state?.round ?? 0) + 1
    this.#takeResponses(exchange.params['inputResponses'], state)
  }

  async ask(question: Question): Promise<unknown> {
    const hash = shortHash(canonicalJson([question.method, question.params]))
    const key = this.#keyOf(question.key ?? `${question.method.split('/')[0]}-${hash}`)
    const given = this.#answers.get(key) ?? this.#given.get(key)
    let problem: string | undefined
    // An answer to another question is none to this one, whatever key both have.
    if (given !== undefined && (given.question === hash || given.question === '')) {
      this.#checking += 1
      try {
        problem = await question.check(given.answer)
      } finally {
        this.#checking -= 1
        this.#quiet()
      }
      if (problem === undefined) {
        this.#answers.set(key, { question: hash, answer: given.answer })
        return given.answer
      }
    }
    this.#answers.delete(key)
    return this.#putOff(key, {
      question: hash,
      request: { method: question.method, params: withProblem(question, problem) },
    })
  }

  async once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value> {
    if (this.#once.has(key)) return this.#once.get(key) as Value
    let working = this.#working.get(key)
    if (working === undefined) {
      working = (async () => work())()
      this.#working.set(key, working)
      const settled = (): void => {
        this.#working.delete(key)
        this.#quiet()
      }
      working.then((value) => {
        this.#once.set(key, value ?? null)
        settled()
      }, settled)
    }
    return (await working) as Value
  }

  async outcome(): Promise<string | undefined> {
    while (this.#checking > 0) await this.#nextQuiet()
    if (this.#pending.size === 0) return undefined
    await this.#whenOver()
    // What ran out of time may still be at work; asking now would have it done twice.
    const { ended } = this.#exchange
    if (ended === 'timed out' || ended === 'closing') throw outOfTime()
    const { round, dialect } = this.#exchange
    if (round >= maxRounds) {
      throw new ToolError('unanswered', {
        message: `The client was asked in ${maxRounds} rounds, and there is still something to ask.`,
        hint: 'Start over, and answer all that is asked.',
        retryable: true,
      })
    }
    const asked = new Map([...this.#pending].map(([key, { question }]) => [key, question]))
    const state = { round, answers: this.#answers, asked, once: this.#once }
    const token = await sealState(state, this.#exchange, this.#options)
    const requests = Object.fromEntries([...this.#pending].map(([key, { request }]) => [key, request]))
    return dialect.result(
      `"inputRequests":${JSON.stringify(requests)},"requestState":${JSON.stringify(token)}`,
      {
        type: 'input_required',
      },
    )
  }

  #takeResponses(given: unknown, state: RoundState | undefined): void {
    if (!isRecord(given)) return
    for (const [key, answer] of Object.entries(given)) {
      // Without a state a client may answer what it knows that it will be asked; with one, what it was asked.
      const question = state === undefined ? '' : state.asked.get(key)
      if (question === undefined || (state === undefined && this.#options.singleUse)) continue
      if (isRecord(answer)) this.#given.set(key, { question, answer })
    }
  }

  /** The same question asked twice in one run is two questions. */
  #keyOf(base: string): string {
    const occurrence = (this.#occurrences.get(base) ?? 0) + 1
    this.#occurrences.set(base, occurrence)
    return occurrence === 1 ? base : `${base}.${occurrence}`
  }

  #putOff(key: string, pending: Pending): Promise<never> {
    if (this.#window !== 'closed' && this.#exchange.open) this.#pending.set(key, pending)
    const put = new Promise<never>((_resolve, reject) => {
      if (this.#window === 'closed' || !this.#exchange.open) reject(unanswered)
      else this.#letGo.push(() => reject(unanswered))
    })
    // A question that nobody waits for is asked all the same, and its rejection is nobody's mistake.
    put.catch(() => undefined)
    if (this.#window === 'none') {
      this.#window = 'open'
      afterTick(() => this.#close())
    }
    return put
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

  /** Waits for the round to be complete, and for work that must happen once, but not longer than a call may take. */
  async #whenOver(): Promise<void> {
    const { clock, timeoutMs } = this.#options.environment
    const stop = clock.after(timeoutMs, () => {
      this.#exchange.end('timed out')
      this.#quiet()
    })
    const quiet = (): void => this.#quiet()
    this.#exchange.signal.addEventListener('abort', quiet)
    while (!this.#isOver()) await this.#nextQuiet()
    this.#exchange.signal.removeEventListener('abort', quiet)
    stop()
  }

  #isOver(): boolean {
    const { ended } = this.#exchange
    return (
      (this.#window === 'closed' && this.#working.size === 0) || (ended !== undefined && ended !== 'asking')
    )
  }

  #nextQuiet(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuiet.push(resolve)
    })
  }

  #quiet(): void {
    for (const tell of this.#onQuiet.splice(0)) tell()
  }
}

function outOfTime(): ToolError {
  return new ToolError('timed_out', {
    message: 'The call was not ready to ask its client in time.',
    hint: 'Ask for less at once, or try again later.',
    retryable: true,
  })
}

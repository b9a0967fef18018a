import type { Overload, Turn, Visit } from '../concurrency/bulkhead.js'
import { Bulkheads } from '../concurrency/bulkheads.js'
import { overloaded } from '../concurrency/overloaded.js'
import type { Clock } from '../contracts/clock.js'
import type { Call, CallResult, Next } from '../engine/call.js'
import type { EndReason } from '../engine/exchange.js'
import type { Definition, MiddlewareFactory } from '../engine/pipeline.js'
import type { ConcurrencyLimit } from '../engine/policies.js'
import type { Stats } from '../engine/stats.js'
import type { ToolError } from '../errors/tool-error.js'
import { callerKey } from './caller.js'

/** Callers that may have calls at one limit at once. */
const maxCallers = 10_000
/** Definitions whose limits are shown by name; when there are more, the one that was first called longest ago is not. */
const maxShown = 1000

/** The limits over all definitions of a server. */
export interface ServerConcurrency {
  readonly principal?: ConcurrencyLimit | undefined
  readonly server?: ConcurrencyLimit | undefined
}

interface Door {
  readonly bulkheads: Bulkheads
  readonly byCaller: boolean
  /** Whose limit it is, for the refusal. */
  readonly whose: string
}

/**
 * Lets so many calls run at once. A call passes the limit of its caller first, then its definition's, then the server's:
 * always in this order, so that no two wait for each other, and from the narrowest to the widest, so that who waits
 * holds only what is his own. A slow tool's queue takes no slot of the server.
 */
export function concurrency(limits: ServerConcurrency, clock: Clock, stats: Stats): MiddlewareFactory {
  const shown = new Map<string, Bulkheads>()
  const perCaller = limits.principal && door(limits.principal, 'each caller', true)
  const perServer = limits.server && door(limits.server, 'server', limits.server.by === 'principal')
  for (const made of [perCaller, perServer]) if (made !== undefined) show(made.bulkheads)

  return (definition) => {
    const own = doorOf(definition)
    const doors = [perCaller, own, perServer].filter((made) => made !== undefined)
    if (doors.length === 0) return undefined
    return function concurrency(call, next) {
      const passage = new Passage(call, doors, definition.timeoutMs)
      const waiting = passage.enter()
      return waiting === undefined ? passage.run(next) : waiting.then(() => passage.run(next))
    }
  }

  function door({ limit, queue }: ConcurrencyLimit, name: string, byCaller: boolean): Door {
    const bulkheads = new Bulkheads({ name, limit, queue, clock, maxKeys: byCaller ? maxCallers : 1 })
    return { bulkheads, byCaller, whose: name === 'server' ? 'the server' : byCaller ? 'this caller' : 'it' }
  }

  function doorOf({ kind, name, concurrency: own }: Definition): Door | undefined {
    if (own === undefined) return undefined
    const made = door(own, `${kind} ${name}`, own.by === 'principal')
    // A definition that was taken away and comes again under its name has one line, as it has one chain.
    const key = `${kind} ${name}`
    const oldest = shown.has(key) ? key : shown.size >= maxShown ? shown.keys().next().value : undefined
    if (oldest !== undefined) {
      for (const line of shown.get(oldest)?.bounded ?? []) stats.remove(line)
      shown.delete(oldest)
    }
    shown.set(key, made.bulkheads)
    show(made.bulkheads)
    return made
  }

  function show(bulkheads: Bulkheads): void {
    for (const line of bulkheads.bounded) stats.add(line)
  }
}

/** One call on its way through the doors, and what it holds. */
class Passage implements Turn {
  readonly #call: Call
  readonly #doors: readonly Door[]
  readonly #deadlineAt: number
  readonly #caller: string
  readonly #visits: Visit[] = []
  #stopListening: (() => void) | undefined
  /** While it waits at a door: what lets it go on. */
  #resolve: (() => void) | undefined
  #reject: ((reason: unknown) => void) | undefined
  #ended: EndReason | undefined

  constructor(call: Call, doors: readonly Door[], timeoutMs: number) {
    const { exchange } = call
    this.#call = call
    this.#doors = doors
    this.#deadlineAt = exchange.arrivedAt + (exchange.timeoutMs ?? timeoutMs) + exchange.postponedMs
    this.#caller = doors.some(({ byCaller }) => byCaller) ? callerKey(exchange) : ''
  }

  /** Undefined when it has passed all doors at once. @throws ToolError `overloaded`, and then it holds nothing. */
  enter(): Promise<void> | undefined {
    for (
      let door = this.#doors[this.#visits.length];
      door !== undefined;
      door = this.#doors[this.#visits.length]
    ) {
      const visit = door.bulkheads.enter(this.#keyAt(door), this.#deadlineAt, this)
      if ('reason' in visit) {
        this.#leave(false)
        throw refusal(this.#call.name, door, visit)
      }
      this.#visits.push(visit)
      if (visit.state === 'waiting') return this.#wait()
    }
    return undefined
  }

  run(next: Next): CallResult | Promise<CallResult> {
    // Its turn came in the moment in which it ended.
    if (this.#ended !== undefined) throw endedError(this.#ended)
    let work: CallResult | Promise<CallResult>
    try {
      work = next()
    } catch (error) {
      this.#leave(true)
      throw error
    }
    if (!(work instanceof Promise)) {
      this.#leave(true)
      return work
    }
    this.#listen()
    const settled = (): void => this.#leave(true)
    work.then(settled, settled)
    return work
  }

  start(): void {
    this.#resolve?.()
  }

  refuse(overload: Overload): void {
    const door = this.#doors[this.#visits.length - 1]
    // What it holds elsewhere is given back by who waits: the one who calls this is in the middle of giving slots away.
    if (door !== undefined) this.#reject?.(refusal(this.#call.name, door, overload))
  }

  async #wait(): Promise<void> {
    const turn = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#listen()
    try {
      await turn
    } catch (error) {
      this.#leave(false)
      throw error
    }
    if (this.#ended !== undefined) throw endedError(this.#ended)
    await this.enter()
  }

  #listen(): void {
    this.#stopListening ??= this.#call.exchange.whenEnded((reason) => {
      this.#ended = reason
      // What was cut off at the deadline took at least as long; any other end says nothing of how long work takes.
      this.#leave(reason === 'timed out')
      this.#reject?.(endedError(reason))
    })
  }

  /** Gives back what it holds; what it does not hold any more is left alone. */
  #leave(done: boolean): void {
    this.#stopListening?.()
    for (let index = this.#visits.length - 1; index >= 0; index -= 1) {
      const [visit, door] = [this.#visits[index], this.#doors[index]]
      if (visit !== undefined && door !== undefined) door.bulkheads.leave(this.#keyAt(door), visit, done)
    }
  }

  #keyAt({ byCaller }: Door): string {
    return byCaller ? this.#caller : ''
  }
}

/** Nobody reads it: who waits for the call was told by the deadline. */
function endedError(reason: EndReason): Error {
  const error = new Error(`The call was ended while it waited for its turn: ${reason}.`)
  error.name = 'AbortError'
  return error
}

function refusal(name: string, { whose }: Door, overload: Overload): ToolError {
  const { limit, queued } = overload
  return overloaded(name, `${whose} runs ${limit} at once and ${queued} wait already`, overload)
}

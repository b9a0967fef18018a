import type { Clock } from '../contracts/clock.js'
import type { Leases } from '../contracts/leases.js'
import type { Logger } from '../contracts/logger.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../contracts/task-store.js'

/** Tasks of dead nodes that one look takes over. */
const claimedAtOnce = 100
/** Runs that one task may cost: after that it is its call that nodes die of, and it must not go through the whole fleet. */
const maxAttempts = 3

export interface LeasedTasksOptions {
  readonly store: TaskStore
  readonly leases: Leases
  /** The node, as its leases name it. */
  readonly node: string
  /** Milliseconds that a task may be without a sign of its node; signs are given three times as often. */
  readonly leaseMs: number
  readonly clock: Clock
  readonly logger: Logger
  /** The tasks that run on this node now. */
  running(): readonly string[]
  /** Whether this node can take another task. */
  hasRoom(): boolean
  /** The run of the task on this node, if there is one. */
  runHere(id: string): { readonly attempt: number | undefined } | undefined
  /** This node was silent for too long, and another one has the task or has ended it. */
  onLost(id: string): void
  /** A task whose node was silent has been ended here. */
  onInterrupted(record: TaskRecord): void
  /**
   * Runs a task here whose node was silent, from its sealed call; resolves when that has begun. Otherwise resolves with why not,
   * as what follows a colon.
   */
  rerun(record: TaskRecord, call: string): Promise<string | undefined>
}

/**
 * A task store in which no task outlives the node that it runs on: its lease is there before it is, is renewed while it
 * runs, and once it has run out one of the other nodes runs it again, where that does no harm, or ends it as failed. The store keeps the
 * first end it is given and nothing of an earlier attempt, so a node that was only slow, and comes with its result after
 * that, changes nothing.
 */
export class LeasedTasks implements TaskStore {
  readonly #options: LeasedTasksOptions
  #stopTimer: () => void = () => undefined
  #stopped = false
  #retired = false
  #failing = false
  /** Since when the leases have been within reach, by the clock that never jumps. */
  #steadySince: number | undefined

  constructor(options: LeasedTasksOptions) {
    this.#options = options
    this.#schedule()
  }

  async create(record: TaskRecord, call?: string): Promise<void> {
    const { store, leases, node, leaseMs } = this.#options
    // Before the task: a node that dies between the two leaves a lease without a task, which is nothing.
    await leases.hold([record.id], node, leaseMs)
    try {
      await store.create(record, call)
    } catch (error) {
      this.#release(record.id)
      throw error
    }
  }

  get(id: string): Promise<TaskRecord | undefined> {
    return this.#options.store.get(id)
  }

  async update(record: TaskRecord): Promise<void> {
    await this.#options.store.update(record)
    const here = this.#options.runHere(record.id)
    // The end of an earlier run must not take the lease from under a later one.
    const superseded = here !== undefined && here.attempt !== record.attempt
    if (isTerminal(record.status) && !superseded) this.#release(record.id)
  }

  /** Goes on giving signs, and leaves what others left behind to those that stay. */
  retire(): void {
    this.#retired = true
  }

  /** Gives no more signs, and looks for no more tasks of others. */
  stop(): void {
    this.#stopped = true
    this.#stopTimer()
  }

  #schedule(): void {
    if (this.#stopped) return
    const { clock, leaseMs, logger } = this.#options
    this.#stopTimer = clock.after(leaseMs / 3, () => {
      const done = (): void => this.#schedule()
      this.#look().then(
        () => {
          this.#failing = false
          done()
        },
        (error: unknown) => {
          // Once for each outage; what is wrong is the store's to say.
          if (!this.#failing) logger.error('The leases of tasks cannot be renewed.', { error })
          this.#failing = true
          this.#steadySince = undefined
          done()
        },
      )
    })
  }

  async #look(): Promise<void> {
    const { leases, node, leaseMs, running, onLost, clock } = this.#options
    // First its own, or a node that was held up for long would end them itself.
    const lost = await leases.hold(running(), node, leaseMs)
    for (const id of lost) if (!(await this.#isStillOurs(id))) onLost(id)
    // After an outage all leases have run out, and the nodes that live must be given the time to renew theirs. None are
    // claimed until then; the leases are asked all the same, to know whether they are within reach.
    const now = clock.monotonic()
    const steady = this.#steadySince !== undefined && now - this.#steadySince >= leaseMs
    const claimed = await leases.claim(node, steady && !this.#retired ? claimedAtOnce : 0, leaseMs)
    this.#steadySince ??= now
    // What ended meanwhile is released as well; what fails here runs out again, and goes to whoever looks next.
    const over: string[] = []
    for (const id of claimed) if (await this.#rescue(id)) over.push(id)
    await leases.release(over, node)
  }

  /**
   * Of a task that may run again its attempt says whose it is. Who has the lease may have come too late to begin the next
   * one, and will give it up; if it comes in time, the next look finds that.
   */
  async #isStillOurs(id: string): Promise<boolean> {
    const record = await this.#options.store.get(id)
    if (record?.attempt === undefined || isTerminal(record.status)) return false
    return this.#options.runHere(id)?.attempt === record.attempt
  }

  /** True when nothing is left to be done for a task, and its lease can go. */
  async #rescue(id: string): Promise<boolean> {
    const { store, clock, logger, rerun, hasRoom, runHere } = this.#options
    const record = await store.get(id)
    if (record === undefined || isTerminal(record.status)) return true
    const { inputRequests: _unanswerable, ...rest } = record
    const { attempt } = record
    if (attempt === undefined || store.restart === undefined) return this.#interrupt(record)
    // It came back from a node that had the lease and did nothing with it.
    if (runHere(id)?.attempt === attempt) return false
    if (attempt >= maxAttempts) {
      return this.#interrupt(record, `each of the ${attempt} servers that ran it stopped.`)
    }
    // The lease is let run out, and goes to a node that has room.
    if (this.#stopped || this.#retired || !hasRoom()) return false
    const next: TaskRecord = {
      ...rest,
      status: 'working',
      statusMessage: 'It runs again, because the server that ran it stopped.',
      attempt: attempt + 1,
      updatedAt: clock.now(),
    }
    const call = await store.restart(next)
    // Either nothing is kept, or another node was faster; then the end is one of an earlier attempt, and is not taken.
    if (call === undefined) return this.#interrupt(record)
    const obstacle = await rerun(next, call)
    if (obstacle !== undefined) return this.#interrupt(next, obstacle)
    logger.warn('A task runs again because its node gave no sign any more.', {
      tool: record.tool,
      attempt: next.attempt,
    })
    return false
  }

  async #interrupt(
    record: TaskRecord,
    why = 'the server that ran it stopped. Call the tool again.',
  ): Promise<true> {
    const { store, clock, logger, onInterrupted } = this.#options
    const { inputRequests: _unanswerable, ...rest } = record
    const message = `The task was interrupted: ${why}`
    const ended: TaskRecord = {
      ...rest,
      status: 'failed',
      statusMessage: message,
      error: { code: -32603, message },
      updatedAt: clock.now(),
    }
    await store.update(ended)
    if (record.attempt !== undefined && (await store.get(record.id))?.status !== 'failed') return true
    logger.warn('A task was ended because its node gave no sign any more.', { tool: record.tool })
    onInterrupted(ended)
    return true
  }

  /** A lease that is not given up runs out, and says nothing about a task that has ended. */
  #release(id: string): void {
    const { leases, node } = this.#options
    leases.release([id], node).catch(() => undefined)
  }
}

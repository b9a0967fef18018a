import type { Clock } from '../contracts/clock.js'
import type { Leases } from '../contracts/leases.js'
import type { Logger } from '../contracts/logger.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../contracts/task-store.js'

/** Tasks of dead nodes that one look takes over. */
const claimedAtOnce = 100

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
  /** This node was silent for too long, and another one has ended the task. */
  onLost(id: string): void
  /** A task whose node was silent has been ended here. */
  onInterrupted(record: TaskRecord): void
}

/**
 * A task store in which no task outlives the node that it runs on: its lease is there before it is, is renewed while it
 * runs, and once it has run out one of the other nodes ends the task as failed. The store keeps the first end it is given,
 * so a node that was only slow, and comes with its result after that, changes nothing.
 */
export class LeasedTasks implements TaskStore {
  readonly #options: LeasedTasksOptions
  #stopTimer: () => void = () => undefined
  #stopped = false
  #failing = false
  /** Since when the leases have been within reach, by the clock that never jumps. */
  #steadySince: number | undefined

  constructor(options: LeasedTasksOptions) {
    this.#options = options
    this.#schedule()
  }

  async create(record: TaskRecord): Promise<void> {
    const { store, leases, node, leaseMs } = this.#options
    // Before the task: a node that dies between the two leaves a lease without a task, which is nothing.
    await leases.hold([record.id], node, leaseMs)
    try {
      await store.create(record)
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
    if (isTerminal(record.status)) this.#release(record.id)
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
    for (const id of lost) onLost(id)
    // After an outage all leases have run out, and the nodes that live must be given the time to renew theirs. None are
    // claimed until then; the leases are asked all the same, to know whether they are within reach.
    const now = clock.monotonic()
    const steady = this.#steadySince !== undefined && now - this.#steadySince >= leaseMs
    const claimed = await leases.claim(node, steady ? claimedAtOnce : 0, leaseMs)
    this.#steadySince ??= now
    // What ended meanwhile is released as well; what fails here runs out again, and goes to whoever looks next.
    for (const id of claimed) await this.#interrupt(id)
    await leases.release(claimed, node)
  }

  async #interrupt(id: string): Promise<void> {
    const { store, clock, logger, onInterrupted } = this.#options
    const record = await store.get(id)
    if (record === undefined || isTerminal(record.status)) return
    const { inputRequests: _unanswerable, ...rest } = record
    const message = 'The task was interrupted: the server that ran it stopped. Call the tool again.'
    const ended: TaskRecord = {
      ...rest,
      status: 'failed',
      statusMessage: message,
      error: { code: -32603, message },
      updatedAt: clock.now(),
    }
    await store.update(ended)
    logger.warn('A task was ended because its node gave no sign any more.', { tool: record.tool })
    onInterrupted(ended)
  }

  /** A lease that is not given up runs out, and says nothing about a task that has ended. */
  #release(id: string): void {
    const { leases, node } = this.#options
    leases.release([id], node).catch(() => undefined)
  }
}

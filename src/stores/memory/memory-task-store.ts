import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../../contracts/task-store.js'

/** Bytes of results that are kept, over all tasks. */
const maxResultBytes = 64 * 1024 * 1024

/** The tasks of a server that runs alone: gone with the process. */
export class MemoryTaskStore implements TaskStore, Bounded {
  readonly #limit: number
  readonly #clock: Clock
  readonly #records = new Map<string, TaskRecord>()
  /** What `server.stats()` shows of the results, next to the number of tasks. */
  readonly results: Bounded = { stats: () => this.#resultStats() }
  #resultBytes = 0
  #refused = 0
  #refusedResults = 0

  constructor(limit: number, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  async create(record: TaskRecord): Promise<void> {
    if (this.#records.size >= this.#limit) this.#sweep()
    if (this.#records.size >= this.#limit) {
      this.#refused += 1
      throw new Error(`The task store is full: ${this.#limit} tasks whose time is not over.`)
    }
    this.#put(record)
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    const record = this.#records.get(id)
    if (record === undefined || !this.#isOver(record)) return record
    this.#drop(record)
    return undefined
  }

  async update(record: TaskRecord): Promise<void> {
    const before = await this.get(record.id)
    if (before === undefined || isTerminal(before.status)) return
    const bytes = sizeOf(record)
    if (this.#resultBytes + bytes > maxResultBytes) this.#sweep()
    if (this.#resultBytes + bytes > maxResultBytes) {
      this.#refusedResults += 1
      throw new Error(`The task store is full: ${maxResultBytes} bytes of results.`)
    }
    this.#put(record)
  }

  stats(): BoundedStats {
    return {
      name: 'tasks',
      size: this.#records.size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }

  #resultStats(): BoundedStats {
    return {
      name: 'task results',
      size: this.#resultBytes,
      limit: maxResultBytes,
      unit: 'bytes',
      dropped: this.#refusedResults,
    }
  }

  #put(record: TaskRecord): void {
    this.#resultBytes += sizeOf(record) - sizeOf(this.#records.get(record.id))
    this.#records.set(record.id, record)
  }

  #drop(record: TaskRecord): void {
    this.#resultBytes -= sizeOf(record)
    this.#records.delete(record.id)
  }

  #sweep(): void {
    for (const record of this.#records.values()) if (this.#isOver(record)) this.#drop(record)
  }

  #isOver({ createdAt, ttlMs }: TaskRecord): boolean {
    return createdAt + ttlMs <= this.#clock.now()
  }
}

function sizeOf(record: TaskRecord | undefined): number {
  return (record?.result?.length ?? 0) * 2
}

import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import type { Clock } from '../../contracts/clock.js'
import { isTerminal, type TaskRecord, type TaskStore } from '../../contracts/task-store.js'

/** Bytes of results, and of what it takes to run tasks again, over all tasks. */
const maxResultBytes = 64 * 1024 * 1024

interface Entry {
  readonly record: TaskRecord
  /** What it takes to run it again, until it has ended. */
  readonly call?: string | undefined
}

/** The tasks of a server that runs alone: gone with the process. */
export class MemoryTaskStore implements TaskStore, Bounded {
  readonly #limit: number
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  /** What `server.stats()` shows of the results, next to the number of tasks. */
  readonly results: Bounded = { stats: () => this.#resultStats() }
  #resultBytes = 0
  #refused = 0
  #refusedResults = 0

  constructor(limit: number, clock: Clock) {
    this.#limit = limit
    this.#clock = clock
  }

  async create(record: TaskRecord, call?: string): Promise<void> {
    if (this.#entries.size >= this.#limit) this.#sweep()
    if (this.#entries.size >= this.#limit) {
      this.#refused += 1
      throw new Error(`The task store is full: ${this.#limit} tasks whose time is not over.`)
    }
    this.#put({ record, call })
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    return this.#find(id)?.record
  }

  async update(record: TaskRecord): Promise<void> {
    const before = this.#open(record.id)
    if (before === undefined || attemptOf(before.record) > attemptOf(record)) return
    this.#put({ record, call: isTerminal(record.status) ? undefined : before.call })
  }

  async restart(record: TaskRecord): Promise<string | undefined> {
    const before = this.#open(record.id)
    if (before?.call === undefined || attemptOf(before.record) >= attemptOf(record)) return undefined
    this.#put({ ...before, record })
    return before.call
  }

  stats(): BoundedStats {
    return {
      name: 'tasks',
      size: this.#entries.size,
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

  /** One that has not ended. */
  #open(id: string): Entry | undefined {
    const entry = this.#find(id)
    return entry === undefined || isTerminal(entry.record.status) ? undefined : entry
  }

  #find(id: string): Entry | undefined {
    const entry = this.#entries.get(id)
    if (entry === undefined || !this.#isOver(entry)) return entry
    this.#drop(entry)
    return undefined
  }

  #put(entry: Entry): void {
    const { id } = entry.record
    const bytes = (): number => this.#resultBytes + sizeOf(entry) - sizeOf(this.#entries.get(id))
    if (bytes() > maxResultBytes) this.#sweep()
    if (bytes() > maxResultBytes) {
      this.#refusedResults += 1
      throw new Error(`The task store is full: ${maxResultBytes} bytes of results.`)
    }
    this.#resultBytes = bytes()
    this.#entries.set(id, entry)
  }

  #drop(entry: Entry): void {
    this.#resultBytes -= sizeOf(entry)
    this.#entries.delete(entry.record.id)
  }

  #sweep(): void {
    for (const entry of this.#entries.values()) if (this.#isOver(entry)) this.#drop(entry)
  }

  #isOver({ record }: Entry): boolean {
    return record.createdAt + record.ttlMs <= this.#clock.now()
  }
}

function attemptOf({ attempt = 0 }: TaskRecord): number {
  return attempt
}

function sizeOf(entry: Entry | undefined): number {
  return ((entry?.record.result?.length ?? 0) + (entry?.call?.length ?? 0)) * 2
}

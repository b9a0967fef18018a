import type { WorkerPool } from '../concurrency/workers/worker-pool.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import { type Duration, toMs } from '../engine/duration.js'
import type { Stats } from '../engine/stats.js'
import type { Workers } from '../engine/workers.js'
import { shown } from '../errors/shown.js'

export interface WorkerLimits {
  /** Threads at once; each runs one call at a time. Default: one less than the machine has cores, and at least one. */
  readonly threads?: number
  /** Calls that wait for a thread; more are refused. Default: eight for each thread. */
  readonly maxQueue?: number
  /** Megabytes of heap that each thread may use. Buffers are not part of it. Default: 256. */
  readonly memory?: number
  /** After how long an idle thread ends. Default: 60 s. */
  readonly idleTimeout?: Duration
}

export interface WorkersOptions {
  readonly limits: WorkerLimits | undefined
  readonly clock: Clock
  readonly logger: Logger
  readonly stats: Stats
}

const queuePerThread = 8
const defaultMemoryMb = 256

/** The threads for tools with a `worker`: loaded with the first call of one, so that other servers never pay for them. */
export class LazyWorkers implements Workers {
  readonly #options: WorkersOptions
  readonly #idleMs: number
  #wanted = false
  #opening: Promise<WorkerPool> | undefined

  /** @throws DefinitionError for a duration that is none. */
  constructor(options: WorkersOptions) {
    this.#options = options
    this.#idleMs = toMs(options.limits?.idleTimeout ?? '60s', '"workers.idleTimeout"')
  }

  check(worker: unknown): string | undefined {
    this.#wanted = true
    const mend = "write new URL('./heavy.js', import.meta.url)"
    if (!(worker instanceof URL) || worker.protocol !== 'file:') {
      return `"worker" must be the URL of a file, received ${shown(String(worker))}; ${mend}.`
    }
    const fs = builtIn('node:fs')
    if (fs === undefined) return '"worker" needs Node.js, because its threads do; use a handler here.'
    if (fs.existsSync(worker)) return undefined
    return `"worker" leads to ${worker.href}, and there is no such file; ${mend}, with the name that the file has once it is built.`
  }

  async run(...[worker, name, input, ctx]: Parameters<Workers['run']>): Promise<unknown> {
    const pool = await this.#pool()
    return pool.run(worker.href, input, {
      name,
      signal: ctx.signal,
      // A context makes its logger when it is first asked for.
      get log() {
        return ctx.log
      },
      remaining: () => ctx.remaining(),
      progress: (...progress) => ctx.progress(...progress),
      error: ctx.error,
    })
  }

  /** There is time: loads what the first call will need. Threads are started by calls. */
  warm(): void {
    if (this.#wanted) this.#pool().catch(() => undefined)
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await (await this.#opening?.catch(() => undefined))?.close()
  }

  #pool(): Promise<WorkerPool> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async #open(): Promise<WorkerPool> {
    const { limits = {}, clock, logger, stats } = this.#options
    const { threads = coresToSpare(), memory = defaultMemoryMb } = limits
    const { WorkerPool } = await import('../concurrency/workers/worker-pool.js')
    const pool = await WorkerPool.open({
      threads,
      maxQueue: limits.maxQueue ?? threads * queuePerThread,
      memoryMb: memory,
      idleMs: this.#idleMs,
      clock,
      logger,
    })
    for (const line of pool.bounded) stats.add(line)
    return pool
  }
}

function coresToSpare(): number {
  return Math.max(1, (builtIn('node:os')?.availableParallelism() ?? 1) - 1)
}

/** Nothing of Node may be imported here, and there may be none. */
function builtIn<Name extends 'node:fs' | 'node:os'>(
  name: Name,
): (Name extends 'node:fs' ? typeof import('node:fs') : typeof import('node:os')) | undefined
function builtIn(name: 'node:fs' | 'node:os'): unknown {
  return typeof process === 'undefined' ? undefined : process.getBuiltinModule?.(name)
}

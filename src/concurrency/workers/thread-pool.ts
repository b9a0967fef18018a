import type { Worker } from 'node:worker_threads'
import { StartError } from '../../errors/start-error.js'

/** What we use of a piscina pool. Its own types do not compile under `exactOptionalPropertyTypes`. */
export interface ThreadPool {
  readonly threads: readonly Worker[]
  run(
    job: unknown,
    options: { readonly transferList: readonly unknown[]; readonly signal: AbortSignal },
  ): Promise<unknown>
  on(event: 'error' | 'message', listener: (value: unknown) => void): unknown
  destroy(): Promise<void>
}

export interface ThreadPoolOptions {
  readonly threads: number
  readonly memoryMb: number
  readonly idleMs: number
}

/** Of a thread's heap: what is made and dropped at once. It comes on top of `memoryMb`. */
const youngMb = 32
const stackMb = 4
/** A name that the compiler does not follow. */
const piscina: string = 'piscina'

/** A pool without any thread yet. @throws StartError when piscina is not installed. */
export async function openThreadPool(options: ThreadPoolOptions): Promise<ThreadPool> {
  const { threads, memoryMb, idleMs } = options
  const { Piscina } = (await import(piscina).catch((cause: unknown) => {
    throw new StartError(
      'Tools with a "worker" need the package piscina: install it with `npm install piscina`.',
      { cause },
    )
  })) as { readonly Piscina: new (options: object) => ThreadPool }
  return new Piscina({
    filename: new URL('./thread.js', import.meta.url).href,
    name: 'run',
    minThreads: 0,
    maxThreads: threads,
    // The door before the pool keeps everybody else out; a thread that is still starting is waited for here.
    maxQueue: threads,
    idleTimeout: idleMs,
    concurrentTasksPerWorker: 1,
    // Between calls a thread goes on with its event loop, so that what a call left behind fails then and not in the next call.
    atomics: 'disabled',
    recordTiming: false,
    argv: [],
    resourceLimits: {
      maxOldGenerationSizeMb: memoryMb,
      maxYoungGenerationSizeMb: Math.min(youngMb, memoryMb),
      stackSizeMb: stackMb,
    },
  })
}

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes of heap after everything that can go is gone. */
export function heapUsed(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

/** How much higher the heap stands in the last third of the readings than in the first, in bytes. */
export function growth(readings: readonly number[]): number {
  const third = Math.floor(readings.length / 3)
  return Math.min(...readings.slice(-third)) - Math.max(...readings.slice(0, third))
}

export interface Watch {
  /** Faults that nobody caught, since the watch began. */
  readonly escaped: unknown[]
  end(): void
}

/** Listens for what would end a process: nothing that a peer sends may cause it. */
export function watchProcess(): Watch {
  const escaped: unknown[] = []
  const take = (fault: unknown): void => void escaped.push(fault)
  process.on('uncaughtExceptionMonitor', take)
  process.on('unhandledRejection', take)
  return {
    escaped,
    end: () => process.off('uncaughtExceptionMonitor', take).off('unhandledRejection', take),
  }
}

/** Rejects with a sentence when something that must happen does not. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${ms} ms.`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

import { Pool } from '../../src/concurrency/pool/pool.js'
import type { PoolCall, PoolOptions } from '../../src/concurrency/pool/pool-options.js'
import type { LogFields, Logger } from '../../src/contracts/logger.js'
import { ToolError } from '../../src/errors/tool-error.js'
import { type HandClock, handClock } from '../hand-clock.js'

export interface Thing {
  readonly id: number
}

export interface World {
  readonly clock: HandClock
  readonly pool: Pool<Thing>
  readonly open: Set<Thing>
  /** Every line that was logged. */
  readonly log: { readonly level: string; readonly message: string; readonly fields: LogFields }[]
  most: number
  made: number
}

export function world(more: Partial<PoolOptions<Thing>> = {}): World {
  const clock = handClock()
  const log: World['log'] = []
  const at =
    (level: string): Logger['info'] =>
    (message, fields = {}) =>
      void log.push({ level, message, fields })
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const open = new Set<Thing>()
  const pool = new Pool<Thing>({
    name: 'things',
    max: 2,
    clock,
    logger,
    create() {
      const thing = { id: ++made.made }
      open.add(thing)
      made.most = Math.max(made.most, open.size)
      return thing
    },
    destroy: (thing) => void open.delete(thing),
    ...more,
  })
  const made: World = { clock, pool, open, log, most: 0, made: 0 }
  return made
}

export interface TestCall extends PoolCall {
  end(): void
}

export function call(name = 'find-order', remainingMs = 60_000): TestCall {
  const ends = new AbortController()
  return { name, signal: ends.signal, remaining: () => remainingMs, end: () => ends.abort(new Error('left')) }
}

export const codeOf = (error: unknown): string => (ToolError.is(error) ? error.code : String(error))
export const outcome = (promise: Promise<unknown>): Promise<string> => promise.then(() => 'ok', codeOf)

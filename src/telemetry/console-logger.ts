import type { LogFields, Logger, LogLevel } from '../contracts/logger.js'

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * One JSON object a line on stderr: never stdout, which belongs to the protocol on stdio. Works in every
 * runtime that has a console.
 */
export function createConsoleLogger(level: LogLevel = 'info'): Logger {
  const least = order.indexOf(level)
  const at =
    (own: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (order.indexOf(own) < least) return
      console.error(formatRecord({ time: new Date().toISOString(), level: own, message }, fields))
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Never throws: a record that cannot be written as it is says so. `fields` are added to the record. */
export function formatRecord(record: Readonly<Record<string, unknown>>, fields: LogFields = {}): string {
  const seen = new WeakSet<object>()
  try {
    return JSON.stringify({ ...record, ...fields }, (_key, value: unknown) => {
      if (typeof value === 'bigint') return value.toString()
      if (typeof value !== 'object' || value === null) return value
      if (seen.has(value)) return '[circular]'
      seen.add(value)
      return value instanceof Error ? describeError(value) : value
    })
  } catch (error) {
    return JSON.stringify({
      ...pickPlain(record),
      ...pickPlain(fields),
      unwritable: error instanceof Error ? error.message : 'unknown',
    })
  }
}

function describeError(error: Error): object {
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    ...(error.cause !== undefined && { cause: error.cause }),
  }
}

/** The texts among the fields, shortened: what could not be written may have been too long. */
function pickPlain(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const key of Object.keys(record)) {
    try {
      const value = record[key]
      if (typeof value === 'string') plain[key] = value.slice(0, 10_000)
    } catch {
      plain[key] = '[unreadable]'
    }
  }
  return plain
}

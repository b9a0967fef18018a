import type { LogFields, Logger, LogLevel } from '../contracts/logger.js'
import { redactText } from '../errors/redaction/redact-text.js'
import { markRedacting, redactFields } from './guarded-logger.js'

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/**
 * One JSON object a line on stderr: never stdout, which belongs to the protocol on stdio. Secrets are redacted. Works
 * in every runtime that has a console.
 */
export function createConsoleLogger(level: LogLevel = 'info'): Logger {
  const least = order.indexOf(level)
  const at =
    (own: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      if (order.indexOf(own) < least) return
      console.error(formatRecord(own, message, fields))
    }
  return markRedacting({ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') })
}

/** A record as one line of JSON, redacted; its own fields win over time, level and message. It never throws. */
export function formatRecord(level: LogLevel, message: string, fields: LogFields = {}): string {
  const record = { time: new Date().toISOString(), level, message: redactText(String(message)) }
  return JSON.stringify({ ...record, ...redactFields(fields) })
}

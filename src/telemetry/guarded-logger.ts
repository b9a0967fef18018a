import type { LogFields, Logger } from '../contracts/logger.js'
import { redact } from '../errors/redaction/redact.js'
import { redactText } from '../errors/redaction/redact-text.js'

/** Loggers that redact by themselves, once they know that a record is written at all. */
const redacting = new WeakSet<Logger>()

/** Says that a logger redacts what it writes, so that nobody does it twice. */
export function markRedacting(logger: Logger): Logger {
  redacting.add(logger)
  return logger
}

/**
 * A logger that never throws and is told no secrets: what a log sink does wrong must not decide how a request ends, and
 * what a record holds too much must not reach a sink, whoever wrote it.
 */
export function guardLogger(logger: Logger): Logger {
  const raw = redacting.has(logger)
  const guard =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        if (raw) logger[level](message, fields)
        else if (fields === undefined) logger[level](redactText(String(message)))
        else logger[level](redactText(String(message)), redactFields(fields))
      } catch {
        // There is nowhere left to say it.
      }
    }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}

/** The fields of a record without secrets; what is no object stands under `fields`. */
export function redactFields(fields: LogFields): LogFields {
  const safe = redact(fields)
  return typeof safe === 'object' && safe !== null && !Array.isArray(safe) && !(safe instanceof Error)
    ? (safe as LogFields)
    : { fields: safe }
}

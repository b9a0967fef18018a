import type { LogFields, Logger } from '../contracts/logger.js'

/** A logger that never throws: what a log sink does wrong must not decide how a request ends. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (message: string, fields?: LogFields): void => {
      try {
        logger[level](message, fields)
      } catch {
        // There is nowhere left to say it.
      }
    }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}

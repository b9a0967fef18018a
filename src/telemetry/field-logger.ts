import type { LogFields, Logger } from '../contracts/logger.js'

/** A logger whose every record carries `fields` too; a record's own fields win. */
export function withFields(logger: Logger, fields: LogFields): Logger {
  return {
    debug: (message, own) => logger.debug(message, { ...fields, ...own }),
    info: (message, own) => logger.info(message, { ...fields, ...own }),
    warn: (message, own) => logger.warn(message, { ...fields, ...own }),
    error: (message, own) => logger.error(message, { ...fields, ...own }),
  }
}

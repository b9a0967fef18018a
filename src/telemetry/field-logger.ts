import type { LogFields, Logger } from '../contracts/logger.js'

/** A logger whose every record carries `fields` too; a record's own fields win. It never throws for them. */
export function withFields(logger: Logger, fields: LogFields): Logger {
  return {
    debug: (message, own) => logger.debug(message, merged(fields, own)),
    info: (message, own) => logger.info(message, merged(fields, own)),
    warn: (message, own) => logger.warn(message, merged(fields, own)),
    error: (message, own) => logger.error(message, merged(fields, own)),
  }
}

function merged(fields: LogFields, own: LogFields | undefined): LogFields {
  try {
    return { ...fields, ...own }
  } catch {
    // A getter threw. The logger reads the fields one by one.
    return { ...fields, fields: own }
  }
}

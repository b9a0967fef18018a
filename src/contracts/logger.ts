export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** Fields of a log record: plain data; an Error is written whole with its causes. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where the server and its handlers log. Never stdout: on stdio that belongs to the protocol. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

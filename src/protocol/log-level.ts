/** Severities of log messages to a client, least first (RFC 5424 §6.2.1; specification, server/utilities/logging). */
export const logSeverities = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const

export type LogSeverity = (typeof logSeverities)[number]

export function isLogSeverity(value: unknown): value is LogSeverity {
  return (logSeverities as readonly unknown[]).includes(value)
}

/** Whether a message of `severity` reaches a client that asked for `least` and above. */
export function isAtLeast(severity: LogSeverity, least: LogSeverity): boolean {
  return logSeverities.indexOf(severity) >= logSeverities.indexOf(least)
}

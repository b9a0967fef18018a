import { DefinitionError } from '../errors/definition-error.js'

/** Milliseconds as a number, or text such as `250ms`, `2s`, `5m`, `1h`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h'}`

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** The longest that a timer of the platform can wait, about 24 days. */
const longestMs = 2 ** 31 - 1

/** @throws DefinitionError that names the option when the value is no positive duration. */
export function toMs(value: Duration, option: string): number {
  const match = typeof value === 'number' ? undefined : /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value)
  const ms = typeof value === 'number' ? value : Number(match?.[1]) * (unitMs[match?.[2] ?? ''] ?? Number.NaN)
  if (!Number.isFinite(ms) || ms <= 0 || ms > longestMs) {
    throw new DefinitionError(
      `${option} must be a positive number of milliseconds or text such as "2s" or "5m", at most 24 days, received ${typeof value === 'number' ? value : JSON.stringify(value)}.`,
    )
  }
  return ms
}

/**
 * Marks our errors across copies of the package: two installed versions make two classes, and
 * `instanceof` would then call one of ours a stranger and mask its message.
 */
const kHoldfastError = Symbol.for('holdfast.error')

export type ErrorFamily = 'protocol' | 'tool' | 'definition' | 'start'

export function brand(error: Error, family: ErrorFamily): void {
  Object.defineProperty(error, kHoldfastError, { value: family })
}

export function familyOf(value: unknown): ErrorFamily | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const family = brandOf(value)
  return family === 'protocol' || family === 'tool' || family === 'definition' || family === 'start'
    ? family
    : undefined
}

/** A handler may throw anything, even a Proxy that throws when it is looked at; that is a stranger. */
function brandOf(value: object): unknown {
  try {
    return Reflect.get(value, kHoldfastError)
  } catch {
    return undefined
  }
}

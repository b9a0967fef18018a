/** What stands for a value that throws when it is read. */
export const UNREADABLE = '[unreadable]'

/** The first values of what may have no end. */
export function* firstOf(values: Iterable<unknown>, most: number): Generator<unknown> {
  let seen = 0
  for (const value of values) {
    if (seen >= most) return
    seen += 1
    yield value
  }
}

export function read(from: object, key: string): unknown {
  try {
    return Reflect.get(from, key)
  } catch {
    return UNREADABLE
  }
}

export function readAt(list: readonly unknown[], i: number): unknown {
  try {
    return list[i]
  } catch {
    return UNREADABLE
  }
}

export function written(value: object, toJSON: CallableFunction): unknown {
  try {
    return Reflect.apply(toJSON, value, [''])
  } catch {
    return UNREADABLE
  }
}

/** Undefined for plain objects, whose emptiness says it all. */
export function nameOfClass(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype || typeof prototype !== 'object') return undefined
  const maker: unknown = read(prototype, 'constructor')
  return typeof maker === 'function' && maker.name !== '' && maker !== Object
    ? maker.name.slice(0, 64)
    : undefined
}

export function kindOf(value: object): string {
  try {
    return Array.isArray(value) ? 'array' : (nameOfClass(value) ?? 'object')
  } catch {
    return 'object'
  }
}

export function left(entries: number): string {
  return `… ${count(entries, 'more entry')}`
}

export function count(number: number, of: string): string {
  const many = of.endsWith('y') ? `${of.slice(0, -1)}ies` : `${of}s`
  return `${number.toLocaleString('en-US')} ${number === 1 ? of : many}`
}

import { wordsOf } from '../secrets.js'
import {
  count,
  firstOf,
  kindOf,
  left,
  nameOfClass,
  read,
  readAt,
  UNREADABLE,
  written,
} from './careful-reading.js'
import { isHarmless, isShownNumber } from './harmless-values.js'
import { MAX_TEXT, redactText } from './redact-text.js'
import { isSchemaKeyword } from './schema-keywords.js'
import { type SecretKind, secretKind } from './secret-names.js'
import { REDACTED } from './token-shapes.js'
import { wordList } from './word-list.js'

export interface RedactOptions {
  /** More names whose values are never shown; letter case and the marks between words make no difference. */
  readonly keys?: readonly string[]
}

/** Levels of objects and arrays that are kept; what lies deeper is named. */
export const MAX_DEPTH = 24
/** Most entries of one object, array, map or set; the last one then says how many are missing. */
export const MAX_ENTRIES = 1000
/** Most values of one record. */
const MAX_VALUES = 10_000
/** Most characters of one record's texts. */
const MAX_CHARACTERS = 262_144

const JWK_PARTS = wordList('d p q dp dq qi k oth')
const JSON_TYPES: ReadonlySet<unknown> = new Set([
  'string',
  'number',
  'integer',
  'boolean',
  'object',
  'array',
  'null',
])
/** Members that name what stands beside them under `value`. */
const NAMING = ['name', 'key', 'header', 'field', 'param', 'parameter', 'variable'] as const
const NAMED = wordList('value values received default input actual')

/**
 * A copy of a value that may be logged: secrets in texts are replaced where they stand, and values under sensitive
 * names by `[redacted]`, except what cannot be one (booleans, null, counts). It is plain data that JSON can write, but
 * for errors: they stay errors, with name, message, stack, cause and fields as their own. Bounded in depth (24), entries
 * (1000 each, 10,000 in all) and text (32,768 characters each, 262,144 in all); what is left out is counted. It never
 * throws; what cannot be read says so. The value is not changed.
 */
export function redact(value: unknown, options: RedactOptions = {}): unknown {
  return new Redaction(options.keys ?? []).copy(value, undefined, 0)
}

/** One record on its way through: what has been spent, and which objects it stands in. */
class Redaction {
  readonly #keys: ReadonlySet<string>
  readonly #around = new Set<object>()
  #values = 0
  #characters = 0

  constructor(keys: readonly string[]) {
    this.#keys = new Set(keys.map(plainName))
  }

  /** @param hidden what the name above says of this value; undefined when it says nothing */
  copy(value: unknown, hidden: Hidden | undefined, depth: number): unknown {
    this.#values += 1
    switch (typeof value) {
      case 'string':
        return this.#text(value, hidden)
      case 'number':
        return hidden === undefined || isShownNumber(value, hidden.kind) ? value : REDACTED
      case 'bigint':
        return this.#text(String(value), hidden)
      case 'symbol':
        return this.#text(String(value), hidden)
      case 'function':
        return '[function]'
      case 'object':
        return value === null ? null : this.#object(value, hidden, depth)
      default:
        return value
    }
  }

  #text(text: string, hidden: Hidden | undefined): string {
    if (hidden !== undefined && !isHarmless(text, hidden.kind, hidden.name)) return REDACTED
    this.#characters += Math.min(text.length, MAX_TEXT)
    if (this.#characters > MAX_CHARACTERS) return `[left out: ${count(text.length, 'character')}]`
    return redactText(text)
  }

  #object(value: object, hidden: Hidden | undefined, depth: number): unknown {
    if (this.#around.has(value)) return '[circular]'
    this.#around.add(value)
    try {
      if (depth >= MAX_DEPTH) return `[too deep: ${kindOf(value)}]`
      return this.#parts(value, hidden, depth)
    } catch {
      return UNREADABLE
    } finally {
      this.#around.delete(value)
    }
  }

  #parts(value: object, hidden: Hidden | undefined, depth: number): unknown {
    if (Array.isArray(value)) return this.#array(value, hidden, depth)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && prototype !== null) {
      const special = this.#special(value, hidden, depth)
      if (special !== undefined) return special
    }
    const toJSON: unknown = Reflect.get(value, 'toJSON')
    if (typeof toJSON === 'function') {
      const plain = written(value, toJSON)
      if (plain !== value) return this.copy(plain, hidden, depth + 1)
    }
    return this.#fields(value, hidden, depth)
  }

  /** What is not made of its enumerable fields; undefined for everything else. */
  #special(value: object, hidden: Hidden | undefined, depth: number): unknown {
    if (value instanceof Error) return this.#error(value, depth)
    if (value instanceof Map) return this.#entries(value, hidden, depth)
    if (value instanceof Set) return this.#array([...firstOf(value, MAX_ENTRIES)], hidden, depth, value.size)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : value.toISOString()
    if (value instanceof RegExp) return this.#text(String(value), hidden)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      return `[${kindOf(value)} of ${count(value.byteLength, 'byte')}]`
    }
    if (value instanceof String || value instanceof Number || value instanceof Boolean) {
      return this.copy(value.valueOf(), hidden, depth)
    }
    // By name: to ask for the global would load Node's HTTP client.
    switch (Object.prototype.toString.call(value)) {
      case '[object URLSearchParams]':
        return redactText(`?${String(value)}`).slice(1)
      case '[object Headers]':
      case '[object FormData]':
        return this.#entries(value as Iterable<readonly [string, unknown]>, hidden, depth)
      default:
        return undefined
    }
  }

  #array(
    list: readonly unknown[],
    hidden: Hidden | undefined,
    depth: number,
    total = list.length,
  ): unknown[] {
    const most = total > MAX_ENTRIES ? MAX_ENTRIES - 1 : total
    const out: unknown[] = []
    for (let i = 0; i < most && this.#values < MAX_VALUES; i += 1) {
      const item = readAt(list, i)
      out.push(this.copy(item, hidden ?? hiddenBefore(list, i), depth + 1))
    }
    if (out.length < total) out.push(left(total - out.length))
    return out
  }

  #entries(pairs: Iterable<readonly [unknown, unknown]>, hidden: Hidden | undefined, depth: number): object {
    const out = {}
    let seen = 0
    for (const [key, value] of pairs) {
      if (seen >= MAX_ENTRIES - 1 || this.#values >= MAX_VALUES) {
        this.#put(out, '…', 'more entries')
        break
      }
      seen += 1
      const name = typeof key === 'object' && key !== null ? `[${kindOf(key)}]` : String(key)
      this.#put(out, this.#key(name), this.copy(value, this.#hiddenBy(name, value, hidden), depth + 1))
    }
    return out
  }

  #fields(value: object, hidden: Hidden | undefined, depth: number): unknown {
    const keys = Object.keys(value)
    const name = nameOfClass(value)
    if (keys.length === 0 && name !== undefined) return `[${name}]`
    const out = {}
    const jwk = keys.includes('kty')
    const named = this.#namedBeside(value, keys)
    const schema = hidden !== undefined && isSchema(value, keys)
    const most = keys.length > MAX_ENTRIES ? MAX_ENTRIES - 1 : keys.length
    let seen = 0
    for (; seen < most && this.#values < MAX_VALUES; seen += 1) {
      const key = keys[seen] ?? ''
      const member = read(value, key)
      let own = this.#hiddenBy(key, member, schema ? undefined : hidden)
      if (jwk && JWK_PARTS.has(key)) own = { kind: 'token', name: key }
      if (named !== undefined && NAMED.has(key)) own ??= this.#hiddenBy(named, member, undefined)
      this.#put(out, this.#key(key), this.copy(member, own, depth + 1))
    }
    if (seen < keys.length) this.#put(out, '…', left(keys.length - seen).slice(2))
    return out
  }

  /** The error itself may be watched or frozen, so a new one carries the fields. */
  #error(error: Error, depth: number): Error {
    const out = new Error()
    const field = (key: string, value: unknown): void => {
      Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true })
    }
    const standard = ['name', 'message', 'stack', 'cause', 'errors', 'code']
    for (const key of standard.slice(0, 3)) {
      const text = read(error, key)
      field(
        key,
        typeof text === 'string' ? this.#text(text, undefined) : this.copy(text, undefined, depth + 1),
      )
    }
    const more = [...standard.slice(3).filter((key) => Object.hasOwn(error, key)), ...Object.keys(error)]
    for (const key of new Set(more)) {
      if (standard.indexOf(key) >= 0 && standard.indexOf(key) < 3) continue
      if (this.#values >= MAX_VALUES) break
      const value = read(error, key)
      field(this.#key(key), this.copy(value, this.#hiddenBy(key, value, undefined), depth + 1))
    }
    return out
  }

  /** A name can be a secret itself, as in a map from tokens to users. */
  #key(name: string): string {
    return name.length < 12 ? name : redactText(name)
  }

  #put(out: object, key: string, value: unknown): void {
    let free = key
    for (let copy = 2; Object.hasOwn(out, free) && copy < 1100; copy += 1) free = `${key} (${copy})`
    if (free !== '__proto__') Reflect.set(out, free, value)
    else Object.defineProperty(out, free, { value, enumerable: true, configurable: true, writable: true })
  }

  #hiddenBy(name: string, value: unknown, above: Hidden | undefined): Hidden | undefined {
    const kind = this.#keys.size > 0 && this.#keys.has(plainName(name)) ? 'token' : secretKind(name)
    if (kind === undefined || kind === 'opaque') return above ?? (kind && { kind, name })
    // Parts of `jwt: { issuer }` have names of their own.
    if (kind === 'header' && typeof value === 'object' && value !== null && !Array.isArray(value))
      return above
    return { kind, name }
  }

  /** `{ name: 'DB_PASSWORD', value: … }`, as environments and headers are listed. */
  #namedBeside(value: object, keys: readonly string[]): string | undefined {
    if (!keys.some((key) => NAMED.has(key))) return undefined
    for (const naming of NAMING) {
      const name = keys.includes(naming) ? read(value, naming) : undefined
      if (typeof name === 'string' && this.#hiddenBy(name, '', undefined) !== undefined) return name
    }
    return undefined
  }
}

/** A JSON Schema that says what a secret looks like holds none. */
function isSchema(value: object, keys: readonly string[]): boolean {
  return JSON_TYPES.has(read(value, 'type')) && keys.every(isSchemaKeyword)
}

interface Hidden {
  readonly kind: SecretKind
  readonly name: string
}

/** In the list of a command's arguments, or of raw headers, a value stands behind its name. */
function hiddenBefore(list: readonly unknown[], i: number): Hidden | undefined {
  const name = i === 0 ? undefined : readAt(list, i - 1)
  if (typeof name !== 'string' || name.length > 64) return undefined
  const option = name.startsWith('-') && !name.includes('=')
  const pair =
    list.length % 2 === 0 && i % 2 === 1 && /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i.test(name)
  if (!option && !pair) return undefined
  const value = readAt(list, i)
  if (
    typeof value !== 'string' ||
    value.startsWith('-') ||
    (pair && /^[A-Za-z]{1,24}(?:-[A-Za-z]{1,24}){0,4}$/.test(value))
  )
    return undefined
  const kind = secretKind(name)
  return kind && { kind, name }
}

function plainName(name: string): string {
  return wordsOf(name).join('')
}

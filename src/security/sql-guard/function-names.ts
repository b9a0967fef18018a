import { shown } from '../../errors/shown.js'

/** More names than any schema has; a list without an end would be kept in memory for each check. */
const MAX_FUNCTIONS = 10_000
/** PostgreSQL keeps 63 bytes of a name (NAMEDATALEN - 1). */
const MAX_NAME = 63
const PLAIN = /^[\p{L}_][\p{L}\p{N}_$]*$/u
const OPERATOR = /^[-+*/<>=~!@#%^&|`?]+$/

/** A name by its parts, as one text that no other name has: parts cannot hold a NUL character. */
export function nameKey(parts: readonly string[]): string {
  return parts.join('\0')
}

/**
 * The caller's own functions as a set of `nameKey`s. Plain names are folded to lower case as the dialect does, quoted
 * ones keep their case in PostgreSQL; SQLite knows no case at all.
 *
 * @throws TypeError for anything but a list of names of one or two parts.
 */
export function parseFunctionNames(names: unknown, dialect: 'postgres' | 'sqlite'): ReadonlySet<string> {
  if (!Array.isArray(names) || names.length > MAX_FUNCTIONS) {
    throw new TypeError(
      `The option "functions" of checkReadOnly must be a list of at most ${MAX_FUNCTIONS} names, got ${shown(names)}.`,
    )
  }
  return new Set(names.map((name: unknown) => nameKey(partsOf(name, dialect))))
}

function partsOf(name: unknown, dialect: 'postgres' | 'sqlite'): string[] {
  const parts = typeof name === 'string' ? splitName(name) : undefined
  if (parts === undefined || (dialect === 'sqlite' && parts.length > 1)) {
    const expected = dialect === 'sqlite' ? '"distance"' : '"distance" or "app.distance"'
    throw new TypeError(
      `Each of "functions" of checkReadOnly must be a function's name such as ${expected}, got ${shown(name)}.`,
    )
  }
  return dialect === 'sqlite' ? parts.map(lowerAscii) : parts
}

/** One or two identifiers, the last of which may be an operator; undefined for anything else. */
function splitName(text: string): string[] | undefined {
  const parts: string[] = []
  let rest = text
  for (;;) {
    const end = rest.startsWith('"') ? rest.indexOf('"', 1) + 1 : endOfPlain(rest)
    const part = readPart(rest.slice(0, end))
    if (part === undefined || parts.push(part) > 2) return undefined
    if (end === rest.length) return parts
    if (rest[end] !== '.' || OPERATOR.test(part)) return undefined
    rest = rest.slice(end + 1)
  }
}

function endOfPlain(text: string): number {
  const dot = text.indexOf('.')
  return dot === -1 ? text.length : dot
}

function readPart(text: string): string | undefined {
  if (text.length > MAX_NAME + 2) return undefined
  if (text.startsWith('"')) return text.length > 2 && !text.includes('\0') ? text.slice(1, -1) : undefined
  if (OPERATOR.test(text)) return text
  return PLAIN.test(text) ? lowerAscii(text) : undefined
}

/** Both dialects fold the letters A to Z only, whatever the locale. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import type { Icon } from '../protocol/types.js'
import { type Duration, toMs } from './duration.js'
import { refuseHidden } from './hidden-text.js'

/**
 * Looks at one option's value, which is never undefined.
 *
 * @param path the option as its author wrote it: `limits.maxDepth`, `icons[0].src`
 * @param owner whose option it is, as the beginning of a sentence: `The tool "find-order": `; empty for the server's
 * @throws DefinitionError with the sentence that mends it
 */
export type Rule = (value: unknown, path: string, owner: string) => void

/** The options of one object. What the table does not name is refused. */
export interface OptionTable {
  /** For "... is no option of": `createServer`, `a tool`. */
  readonly what: string
  /** The least that is right, for a value that is no object at all: `{ message: '...' }`. */
  readonly example: string
  readonly rules: Readonly<Record<string, Rule>>
  readonly required?: readonly string[]
  /** What to do instead of an option by this name, known from elsewhere: `use "input"`. */
  readonly instead?: (name: string) => string | undefined
}

/** Control characters, line separators, bidi overrides and lone surrogates: what no name and no title is written with. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/u

/** @throws DefinitionError: what was expected of an option, what came, and what to do. */
export function refuse(owner: string, path: string, expected: string, value: unknown, mend: string): never {
  throw new DefinitionError(`${owner}"${path}" must be ${expected}, received ${received(value)}; ${mend}.`)
}

/** What is in an object or array is not said: it can be long, and services and keys are secrets. */
function received(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return isObject(value) ? 'an object' : shown(value)
}

/** Checks every option that is given, and that the required ones are. @throws DefinitionError for the first wrong one. */
export function checkOptions(given: unknown, table: OptionTable, path: string, owner: string): void {
  if (!isObject(given)) refuse(owner, path, 'an object', given, `write ${table.example}`)
  const within = path === '' ? '' : `${path}.`
  for (const name of Object.keys(given)) {
    // The same as left out, whatever the name.
    if (given[name] === undefined) continue
    const rule = Object.hasOwn(table.rules, name) ? table.rules[name] : undefined
    if (rule === undefined) throw unknownOption(name, table, within, owner)
    rule(given[name], within + name, owner)
  }
  for (const name of table.required ?? []) {
    if (given[name] === undefined) table.rules[name]?.(undefined, within + name, owner)
  }
}

function unknownOption(name: string, table: OptionTable, within: string, owner: string): DefinitionError {
  const known = Object.keys(table.rules)
  const near = nearest(name, known)
  const mend =
    table.instead?.(name) ??
    (near === undefined ? `drop it; there are ${known.join(', ')}` : `use "${within}${near}"`)
  return new DefinitionError(`${owner}${shown(within + name)} is no option of ${table.what}; ${mend}.`)
}

/**
 * The known name that differs by case, separators, or one slip: a letter too many, too few, wrong, or swapped with the
 * next. What arguments are compared with goes further, but is not loaded at a start, where every module costs.
 */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const bare = name.replace(/[-_\s]/g, '').toLowerCase()
  return known.find((candidate) => isOneSlip(bare, candidate.toLowerCase()))
}

function isOneSlip(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1
  const left = a.slice(start, a.length - end)
  const right = b.slice(start, b.length - end)
  if (left.length <= 1 && right.length <= 1) return true
  return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0]
}

/** A rule from a test of the value. */
export function rule(accepts: (value: unknown) => boolean, expected: string, mend: string): Rule {
  return (value, path, owner) => {
    if (!accepts(value)) refuse(owner, path, expected, value, mend)
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Not empty, one line, at most `max` characters (UTF-16 units). */
export function isLine(value: unknown, max = 1000): value is string {
  return typeof value === 'string' && value.trim() !== '' && value.length <= max && !unprintable.test(value)
}

/** One line of text for people or programs. */
export function line(max: number, mend: string): Rule {
  return visible(
    rule(
      (value) => isLine(value, max),
      `one line of text with 1 to ${max} characters, none of them a control character`,
      mend,
    ),
  )
}

/** Text of any length, line breaks and all. */
export function text(mend: string): Rule {
  return visible(rule((value) => typeof value === 'string', 'a text', mend))
}

/** What models choose tools by, their readers must see. */
function visible(kind: Rule): Rule {
  return (value, path, owner) => {
    kind(value, path, owner)
    refuseHidden(String(value), owner, path)
  }
}

/** A whole number with inclusive bounds. */
export function whole(min: number, max: number, mend: string): Rule {
  const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`
  return rule(
    (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max,
    `a whole number ${bounds}`,
    mend,
  )
}

export function oneOf(known: readonly string[], mend: string): Rule {
  const expected = known.map((name) => `"${name}"`).join(' or ')
  return rule((value) => typeof value === 'string' && known.includes(value), expected, mend)
}

/** An object with these methods, its own or inherited. */
export function methods(names: readonly string[], mend: string): Rule {
  const expected = `an object with ${names.length === 1 ? 'the function' : 'the functions'} ${names.join(', ')}`
  return (value, path, owner) => {
    if (!isObject(value) && typeof value !== 'function') refuse(owner, path, expected, value, mend)
    for (const name of names) {
      const method: unknown = Reflect.get(value, name)
      if (typeof method !== 'function') refuse(owner, `${path}.${name}`, 'a function', method, mend)
    }
  }
}

/** An array whose items all keep the rule. */
export function listOf(item: Rule, mend: string): Rule {
  return (value, path, owner) => {
    if (!Array.isArray(value)) refuse(owner, path, 'an array', value, mend)
    for (const [index, one] of value.entries()) item(one, `${path}[${index}]`, owner)
  }
}

/** An object whose values all keep the rule, whatever their names. */
export function recordOf(item: Rule, mend: string): Rule {
  return (value, path, owner) => {
    if (!isObject(value)) refuse(owner, path, 'an object', value, mend)
    for (const name of Object.keys(value)) item(value[name], `${path}.${name}`, owner)
  }
}

export function options(table: OptionTable): Rule {
  return (value, path, owner) => checkOptions(value, table, path, owner)
}

export const flag: Rule = rule((value) => typeof value === 'boolean', 'true or false', 'write one of them')

/** As `toMs` reads it. */
export const duration: Rule = rule(
  isDuration,
  'a positive number of milliseconds or a text such as "2s" or "5m"',
  'write it in one of these ways',
)

export const httpUrl: Rule = rule(
  (value) => typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value),
  'an http or https address',
  'write it in full, such as "https://example.com"',
)

function isDuration(value: unknown): boolean {
  if (typeof value !== 'number' && typeof value !== 'string') return false
  try {
    return toMs(value as Duration, 'it') > 0
  } catch {
    return false
  }
}

/** Icons (specification 2025-11-25, "Icons"): clients take only https and data, because what they load they show. */
const icon = {
  what: 'an icon',
  example: "{ src: 'https://example.com/icon.png' }",
  required: ['src'],
  rules: {
    src: rule(isIconSource, 'an https: or data: URL', 'clients load icons from nowhere else'),
    mimeType: rule(isMimeType, 'a media type', 'write it as type/subtype, such as "image/png"'),
    sizes: listOf(
      rule(
        (value) => typeof value === 'string' && /^(?:any|\d{1,6}x\d{1,6})$/.test(value),
        'a size such as "48x48", or "any"',
        'write width and height in pixels',
      ),
      'write ["48x48"]',
    ),
    theme: oneOf(['light', 'dark'], 'leave it out for both'),
  } satisfies Record<keyof Icon, Rule>,
} satisfies OptionTable

/** Of a server, a tool, a resource or a prompt. */
export const icons: Rule = listOf(options(icon), "write [{ src: 'https://example.com/icon.png' }]")

function isIconSource(value: unknown): boolean {
  if (typeof value !== 'string') return false
  return /^data:[^,]*,/i.test(value) || (/^https:\/\//i.test(value) && URL.canParse(value))
}

/** `type/subtype` with parameters (RFC 9110 §8.3.1). */
export function isMimeType(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    value.length <= 255 &&
    /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?: *; *[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"]*"))*$/.test(
      value,
    )
  )
}

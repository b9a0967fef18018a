import { REDACTED } from './token-shapes.js'

/** Where a value stands in a text: its own characters, without the quotes around it. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** Longest value that is looked for the end of; one that goes on ends with its line. */
const MAX_VALUE = 8192
/** How far into the next lines a quote is looked for: few values have line breaks, and apostrophes close nothing. */
const MAX_LINES = 400
const QUOTES = new Map([
  ['"', '"'],
  ["'", "'"],
  ['`', '`'],
  ['\u201c', '\u201d'],
  ['\u2018', '\u2019'],
])
const ENDERS = ',;&|)]}'
/** `name=` or `name:` after a separator: a value does not go on there. */
const NEXT_NAME = /[\w.%$[\] -]{1,64}[=:]/y

/** A value in quotes, also in the quotes of JSON inside a string, where each is written with backslashes. */
export function quotedSpan(text: string, at: number): Span | undefined {
  let open = at
  while (text[open] === '\\' && open - at < 16) open += 1
  const close = QUOTES.get(text[open] ?? '')
  if (close === undefined) return undefined
  const depth = open - at
  if (depth === 0 && text.startsWith(close + close, at)) return doubledSpan(text, at, close)
  const start = open + 1
  const lineLast = lineEnd(text, start)
  const last = Math.min(text.length, start + MAX_VALUE, lineLast + MAX_LINES)
  const closing = close.charCodeAt(0)
  let slashes = 0
  for (let i = start; i < last; i += 1) {
    const code = text.charCodeAt(i)
    if (code === 0x5c) slashes += 1
    else {
      // Written n times inside quotes, a quote has n backslashes, and one that is part of the value has 2n + 1.
      if (code === closing && slashes % (2 * (depth + 1)) === depth) {
        // SQL writes a quote inside quotes twice.
        if (code !== 0x27 || text.charCodeAt(i + 1) !== 0x27) return { start, end: i - depth }
        i += 1
      }
      slashes = 0
    }
  }
  return { start, end: lineLast }
}

/** `""x""` of CSV, whose quotes are written twice; nothing between two quotes is an empty value. */
function doubledSpan(text: string, at: number, quote: string): Span {
  const start = at + 2
  if (/^[\s,;:)}\]"'`]?$/.test(text[start] ?? '')) return { start: at + 1, end: at + 1 }
  const end = text.slice(start, start + MAX_LINES).indexOf(quote + quote)
  return { start, end: end === -1 ? lineEnd(text, start) : start + end }
}

/** `<your token>` of a manual stands for a value. */
export function isAngledName(text: string, at: number): boolean {
  return text[at] === '<' && /^<[A-Za-z _.-]{1,60}>/.test(text.slice(at, at + 62))
}

/** A list or an object: up to the bracket that closes it. */
export function bracketSpan(text: string, at: number): Span | undefined {
  if (text[at] !== '[' && text[at] !== '{') return undefined
  const last = Math.min(text.length, at + MAX_VALUE)
  let depth = 0
  for (let i = at; i < last; i += 1) {
    const character = text[i] ?? ''
    if (character === '\\') i += 1
    else if (character === '"' || character === "'") {
      const quoted = quotedSpan(text, i)
      if (quoted !== undefined && quoted.end < last && text[quoted.end] === character) i = quoted.end
    } else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') {
      depth -= 1
      if (depth === 0) return { start: at, end: i + 1 }
    }
  }
  return { start: at, end: lineEnd(text, at) }
}

/** A value without quotes: to white space, or to a mark that ends it here rather than being part of it. */
export function bareSpan(text: string, at: number, max: number = Number.POSITIVE_INFINITY): Span {
  const last = Math.min(text.length, at + max)
  let i = text[at] === '<' && text[at + 1] !== '/' ? at + 1 : at
  while (i < last && !endsBare(text, i)) i += text.startsWith(REDACTED, i) ? REDACTED.length : 1
  // The full stop or colon of a sentence is not the value's.
  if (i > at + 1 && /[.:]/.test(text[i - 1] ?? '') && /\s|^$/.test(text[i] ?? '')) i -= 1
  return { start: at, end: i }
}

function endsBare(text: string, i: number): boolean {
  const code = text.charCodeAt(i)
  // Letters, digits, `=`, `_` and `-`: nearly all that values are made of.
  if (isWord(code) || code === 0x3d || code === 0x5f || code === 0x2d) return false
  const character = text[i] ?? ''
  const next = text[i + 1] ?? ''
  if (/\s/.test(character)) return true
  if (character === '<') return /[a-z/!]/i.test(next)
  if (QUOTES.has(character) || character === '\u201d' || character === '>') return !/[\w!@#$%^*-]/.test(next)
  // The escapes of JSON: a quote, a line's end, a character by number.
  if (character === '\\') return /["'nrtu\\]/.test(next)
  if (character === '%') return /^%(?:25)?(?:26|0[ad]|22)/i.test(text.slice(i, i + 5))
  if (!ENDERS.includes(character)) return false
  if (next === '' || /[\s"'`\\]/.test(next) || ENDERS.includes(next)) return true
  NEXT_NAME.lastIndex = i + 1
  return NEXT_NAME.test(text)
}

function isWord(code: number): boolean {
  return (code > 0x60 && code < 0x7b) || (code > 0x40 && code < 0x5b) || (code > 0x2f && code < 0x3a)
}

export function lineEnd(text: string, from: number): number {
  const feed = text.indexOf('\n', from)
  if (feed === -1) return text.length
  return feed > from && text[feed - 1] === '\r' ? feed - 1 : feed
}

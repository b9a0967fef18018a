/** Longest received value in a message, in characters. */
export const MAX_SHOWN = 80

/** What a terminal would obey: CSI, OSC and two-character escapes, in the 7-bit and the 8-bit form of CSI. */
const ESC = String.raw`\u001b`
const ANSI = new RegExp(
  String.raw`(?:${ESC}\[|\u009b)[0-?]{0,64}[ -/]{0,8}[@-~]|${ESC}\][^\u0007\u001b]*(?:\u0007|${ESC}\\)?|${ESC}[ -~]`,
  'gu',
)
/** Control and format characters: bidi overrides, zero-width characters, tags, separators, and the Hangul fillers. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu
const LONE_SURROGATE = /\p{Cs}/gu
const BREAKS = /[\t\n\r]+/g

/**
 * Text that came from a peer, made safe to stand in a message: escapes of a terminal, control, bidi and zero-width
 * characters are removed, line breaks become spaces, lone surrogates become U+FFFD, and it is cut at `max` characters
 * with an ellipsis.
 */
export function clean(text: string, max: number = MAX_SHOWN): string {
  // Four units a character leave room for what is removed, and a huge string costs no more than a short one.
  const window = text.length > max * 4 ? text.slice(0, max * 4) : text
  const visible = window
    .replace(ANSI, '')
    .replace(BREAKS, ' ')
    .replace(UNSEEN, '')
    .replace(LONE_SURROGATE, '\ufffd')
  const characters = Array.from(visible)
  const whole = window.length === text.length && characters.length <= max
  return whole ? visible : `${characters.slice(0, max - 1).join('')}…`
}

const PLAIN_NAME = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u

/** A path as a model reads it: `filter.limit`, `items[2].id`, `filter["a b"]`; empty for the root. Cut at 200. */
export function fieldOf(path: readonly (string | number)[]): string {
  let field = ''
  for (const key of path.slice(0, 40)) {
    if (typeof key === 'number') field += `[${key}]`
    else {
      const name = clean(key, 60)
      if (!PLAIN_NAME.test(name)) field += `[${JSON.stringify(name)}]`
      else field += field === '' ? name : `.${name}`
    }
  }
  return clean(field, 200)
}

/** `a`, `a or b`, `a, b or c`. */
export function either(items: readonly string[], word = 'or'): string {
  if (items.length <= 1) return items[0] ?? ''
  return `${items.slice(0, -1).join(', ')} ${word} ${items[items.length - 1] ?? ''}`
}

/** The first letter in upper case. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

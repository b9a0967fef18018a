import { looksSecret } from './secrets.js'

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

/**
 * A value as a message may show it: as JSON, cleaned and cut, and never when it has the shape of a secret. What
 * JSON cannot say is named by its kind.
 */
export function shown(value: unknown, max: number = MAX_SHOWN): string {
  if (typeof value === 'string') {
    return looksSecret(value) ? 'a text that looks like a secret' : JSON.stringify(clean(value, max))
  }
  let text: string | undefined
  try {
    text = typeof value === 'bigint' || typeof value === 'number' ? String(value) : JSON.stringify(value)
  } catch {
    // A cycle, a bigint inside, a getter that throws.
  }
  if (text === undefined) return value === undefined ? 'nothing' : `a ${typeof value}`
  return looksSecret(text) ? 'a value that holds a secret' : clean(text, max)
}

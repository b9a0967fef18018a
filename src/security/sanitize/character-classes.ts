import { CodePointMemo } from './code-point-memo.js'

/** Stays, and ends a pile of combining marks. */
export const PLAIN = 0
/** A combining mark that is seen. */
export const MARK = 1
/** Has no shape of its own; whether it stays depends on its neighbours. */
export const UNSEEN = 2
/** Goes, or is replaced, whatever stands beside it. */
export const HIDDEN = 3

// The sets below are the inside of a class in a regular expression with the `u` flag.

// Joiners, variation selectors, fillers, tags, layout controls of single scripts, and the soft hyphen.
const SHAPING = String.raw`\u00ad\u034f\u070f\u115f\u1160\u180b-\u180f\u200b-\u200d\ufe00-\ufe0f\u{13430}-\u{1343f}\u{13441}\u{13442}\u{16fe4}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}\u{e0020}-\u{e007f}\u{e0100}-\u{e01ef}`
const DIRECTIONAL = String.raw`\u061c\u200e\u200f\u2066-\u2069`

// A carriage return stays before a line feed, and a blank cell of Braille among Braille.
const CONTROLS = String.raw`\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029`
const FORMAT = String.raw`\u17b4\u17b5\u202a-\u202e\u2060-\u2065\u206a-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffc`
// Planes 4 to 13 are empty, and in plane 14 only tags and variation selectors are assigned.
const MEANINGLESS = String.raw`\p{Private_Use}\p{Surrogate}\p{Noncharacter_Code_Point}\u{40000}-\u{dffff}\u{e0000}-\u{e001f}\u{e0080}-\u{e00ff}\u{e01f0}-\u{effff}`

const IS_UNSEEN = new RegExp(`[${SHAPING}${DIRECTIONAL}]`, 'u')
const IS_HIDDEN = new RegExp(`[${CONTROLS}${FORMAT}${MEANINGLESS}]`, 'u')
const IS_MARK = /\p{M}/u

const classes = new CodePointMemo((character) => {
  if (IS_UNSEEN.test(character)) return UNSEEN
  if (IS_HIDDEN.test(character)) return HIDDEN
  return IS_MARK.test(character) ? MARK : PLAIN
})

/** `PLAIN`, `MARK`, `UNSEEN` or `HIDDEN`; half of a surrogate pair is `HIDDEN`. */
export function classOf(code: number): number {
  return classes.of(code)
}

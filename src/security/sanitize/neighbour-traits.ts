import { CodePointMemo } from './code-point-memo.js'
import { JOINED, WITHOUT_SPACES } from './script-classes.js'

/** What a visible character has to do with the unseen ones beside it; the numbers are bits. */
export const TAKES_JOINERS = 1
export const TAKES_BREAKS = 2
export const PICTURE = 4
export const SKIN = 8
/** Drawn as text or as emoji, by U+FE0E or U+FE0F. */
export const TWO_STYLES = 16
export const HAN = 32
/** Has a standardized variant with U+FE00. */
export const FIRST_VARIANT = 64
export const FULL_WIDTH_SIGN = 128
export const HIEROGLYPH = 256
export const MONGOLIAN = 512
export const SYRIAC = 1024
export const MUSICAL = 2048
export const SHORTHAND = 4096
export const KHITAN = 8192
export const COMBINING = 16384

const PATTERNS: readonly (readonly [number, RegExp])[] = [
  [TAKES_JOINERS, new RegExp(`[${JOINED}]`, 'u')],
  [TAKES_BREAKS, new RegExp(`[${WITHOUT_SPACES}]`, 'u')],
  [PICTURE, /\p{Extended_Pictographic}/u],
  [SKIN, /\p{Emoji_Modifier}/u],
  // Emoji, and symbols of the same blocks for which fonts have both. Regional indicators have no variants.
  [
    TWO_STYLES,
    /(?![\u0000-\u007f\u{1f1e6}-\u{1f1ff}])[\p{Emoji}\p{Extended_Pictographic}\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff]/u,
  ],
  [HAN, /\p{Script=Han}/u],
  [
    FIRST_VARIANT,
    /[0\u2200-\u22ff\u2a00-\u2aff\p{Script=Myanmar}\p{Script=Phags_Pa}\p{Script=Manichaean}\p{Script=Han}]/u,
  ],
  [FULL_WIDTH_SIGN, /[\u3001\u3002\uff01\uff0c\uff0e\uff1a\uff1b\uff1f]/u],
  [HIEROGLYPH, /\p{Script=Egyptian_Hieroglyphs}/u],
  [MONGOLIAN, /\p{Script=Mongolian}/u],
  [SYRIAC, /\p{Script=Syriac}/u],
  [MUSICAL, /[\u{1d100}-\u{1d1ff}]/u],
  [SHORTHAND, /\p{Script=Duployan}/u],
  [KHITAN, /\p{Script=Khitan_Small_Script}/u],
  [COMBINING, /\p{M}/u],
]

const traits = new CodePointMemo((character) => {
  let bits = 0
  for (const [bit, pattern] of PATTERNS) if (pattern.test(character)) bits |= bit
  return bits
})

/** Whether the character has one of the traits, given as bits; `NONE` has none. */
export function has(code: number, bits: number): boolean {
  return code >= 0 && (traits.of(code) & bits) !== 0
}

import {
  COMBINING,
  FIRST_VARIANT,
  FULL_WIDTH_SIGN,
  HAN,
  HIEROGLYPH,
  has,
  KHITAN,
  MONGOLIAN,
  MUSICAL,
  PICTURE,
  SHORTHAND,
  SKIN,
  SYRIAC,
  TAKES_BREAKS,
  TAKES_JOINERS,
  TWO_STYLES,
} from './neighbour-traits.js'
import type { RemovedKind } from './removed-text.js'

/** When a character without a shape of its own may stay. */
export interface ShapingRule {
  readonly kind: RemovedKind
  /** Most characters under this rule between two visible ones; runs are how hidden messages are written. */
  readonly most: number
  /** `before` and `after` are the visible neighbours, as code points or `NONE`. */
  fits(before: number, after: number, code: number): boolean
}

const beside = (before: number, after: number, bits: number): boolean => has(before, bits) || has(after, bits)
const between = (code: number, first: number, last: number): boolean => code >= first && code <= last

/** U+200B, U+200C, U+200D. Between Latin letters they change next to nothing and are the usual hiding place. */
const joiner: ShapingRule = {
  kind: 'zero-width',
  most: 1,
  fits(before, after, code) {
    if (code === 0x200b) return beside(before, after, TAKES_BREAKS)
    if (beside(before, after, TAKES_JOINERS)) return true
    return code === 0x200d && has(before, PICTURE | SKIN) && has(after, PICTURE)
  },
}

const KEYCAP = 0x20e3
const isKey = (code: number): boolean => code === 0x23 || code === 0x2a || between(code, 0x30, 0x39)

/** Which selector has a variant of which character: StandardizedVariants.txt, emoji-variation-sequences.txt, IVD. */
const variant: ShapingRule = {
  kind: 'variation-selector',
  most: 1,
  fits(before, after, code) {
    if (code === 0xfe0f || code === 0xfe0e) {
      return has(before, TWO_STYLES) || (after === KEYCAP && isKey(before))
    }
    // Registered variants of ideographs end below; the letters of a hidden message stand above.
    if (code >= 0xe0100) return code <= 0xe012f && has(before, HAN)
    if (has(before, HIEROGLYPH)) return code <= 0xfe06
    if (code === 0xfe00) return has(before, FIRST_VARIANT | FULL_WIDTH_SIGN)
    if (code === 0xfe01) return has(before, HAN | FULL_WIDTH_SIGN)
    return code === 0xfe02 && has(before, HAN)
  },
}

const mongolianVariant: ShapingRule = {
  kind: 'variation-selector',
  most: 1,
  fits: (before) => has(before, MONGOLIAN),
}
const mongolianVowelSeparator: ShapingRule = {
  kind: 'zero-width',
  most: 1,
  fits: (before, after) => has(before, MONGOLIAN) && has(after, MONGOLIAN),
}
const graphemeJoiner: ShapingRule = {
  kind: 'zero-width',
  most: 1,
  fits: (_before, after) => has(after, COMBINING),
}

// Old Hangul: a filler stands for the consonant or the vowel that a syllable lacks (Unicode, section 18.6).
const isLeading = (code: number): boolean => between(code, 0x1100, 0x115e) || between(code, 0xa960, 0xa97c)
const isVowel = (code: number): boolean => between(code, 0x1161, 0x11a7) || between(code, 0xd7b0, 0xd7c6)
const isTrailing = (code: number): boolean => between(code, 0x11a8, 0x11ff) || between(code, 0xd7cb, 0xd7fb)
const leadingFiller: ShapingRule = {
  kind: 'invisible',
  most: 1,
  fits: (_before, after) => isVowel(after) || isTrailing(after),
}
const vowelFiller: ShapingRule = {
  kind: 'invisible',
  most: 1,
  fits: (before, after) => isLeading(before) || isTrailing(after),
}

const layoutOf = (trait: number, most = 1): ShapingRule => ({
  kind: 'invisible',
  most,
  fits: (before, after) => beside(before, after, trait),
})
const syriacAbbreviation = layoutOf(SYRIAC)
const khitanFiller = layoutOf(KHITAN)
const shorthandLayout = layoutOf(SHORTHAND)
const musicalLayout = layoutOf(MUSICAL, 2)
const hieroglyphLayout = layoutOf(HIEROGLYPH, 4)
/** Tags that spell no flag; those that do are taken before the rules are asked. */
const strayTag: ShapingRule = { kind: 'tag', most: 0, fits: () => false }

/** The rule for an unseen character; undefined for directions and the soft hyphen, which are judged elsewhere. */
export function shapingRule(code: number): ShapingRule | undefined {
  if (between(code, 0x200b, 0x200d)) return joiner
  if (between(code, 0xfe00, 0xfe0f) || between(code, 0xe0100, 0xe01ef)) return variant
  if (between(code, 0xe0020, 0xe007f)) return strayTag
  if (code === 0x034f) return graphemeJoiner
  if (code === 0x070f) return syriacAbbreviation
  if (code === 0x115f) return leadingFiller
  if (code === 0x1160) return vowelFiller
  if (code === 0x180e) return mongolianVowelSeparator
  if (between(code, 0x180b, 0x180f)) return mongolianVariant
  if (between(code, 0x13430, 0x13442)) return hieroglyphLayout
  if (code === 0x16fe4) return khitanFiller
  if (between(code, 0x1bca0, 0x1bca3)) return shorthandLayout
  if (code === 0x1d159 || between(code, 0x1d173, 0x1d17a)) return musicalLayout
  return undefined
}

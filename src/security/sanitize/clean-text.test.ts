import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { cleanText } from './clean-text.js'
import { NOTHING_REMOVED, REMOVED_KINDS } from './removed-text.js'

/** What cleaning is about, with neighbours of every kind beside it. */
const DANGEROUS = [
  ...[
    '\u001b',
    '\u001b[',
    '\u001b]',
    '\u001b\\',
    '\u0007',
    '\u009b',
    '\u009c',
    '\u0090',
    '[31m',
    '8;;',
    '\\',
  ],
  ...['\u0000', '\b', '\t', '\n', '\r', '\u007f', '\u0085', '\u2028', '\ud83d', '\ude00', '\udb40', '\udc41'],
  ...[
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u00ad',
    '\u034f',
    '\u180b',
    '\u180e',
    '\u2062',
    '\u2800',
  ],
  ...[
    '\u200e',
    '\u200f',
    '\u061c',
    '\u202a',
    '\u202c',
    '\u202e',
    '\u2066',
    '\u2067',
    '\u2068',
    '\u2069',
    '\u206a',
  ],
  ...[
    '\ufe00',
    '\ufe01',
    '\ufe0e',
    '\ufe0f',
    '\u{e0100}',
    '\u{e0130}',
    '\u115f',
    '\u1160',
    '\u3164',
    '\u070f',
  ],
  ...[
    '\u{e0001}',
    '\u{e0067}\u{e0062}',
    '\u{e0065}\u{e006e}\u{e0067}',
    '\u{e007f}',
    '\u{13430}',
    '\u{1d173}',
  ],
  ...['\ue000', '\u{f0000}', '\ufffe', '\u{50000}', '\u17b4', '\ufff9', '\ufffc'],
]
const NEIGHBOURS = [
  ...[
    'a',
    'B',
    'word',
    'longword',
    ' ',
    '1',
    '-5',
    '.',
    '(',
    '\u20e3',
    '$',
    '\u0301',
    '\u0301\u0301\u0301\u0301',
  ],
  ...[
    'ש',
    'ם',
    'ا',
    'ی',
    '١',
    'क',
    '\u094d',
    'ก',
    'ខ',
    'ᠠ',
    '葛',
    '0',
    '\u2229',
    '❤',
    '👩',
    '🏽',
    '💻',
    '🏴',
    '🇩',
    '⠓',
  ],
  ...['\u1100', '\u1161', '\u11a8', '𓊪', 'ܩ', '𝄞', '\u05b4', 'ABCD'],
]
const hostileText = fc
  .array(fc.constantFrom(...DANGEROUS, ...NEIGHBOURS), { maxLength: 40 })
  .map((parts) => parts.join(''))
const anyText = fc.oneof(
  hostileText,
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
    .map((units) => String.fromCharCode(...units)),
)

// No text needs these, whatever stands beside them.
const NEVER =
  /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u17b4\u17b5\u2028\u2029\u202a-\u202e\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffc\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u{40000}-\u{e001f}\u{e0080}-\u{e00ff}\u{e01f0}-\u{10ffff}]|\r(?!\n)/u
const ALWAYS_KEPT =
  /[^\p{C}\p{M}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800\ufffc\u{13441}\u{13442}\u{1d159}]/gu

describe('cleanText, of any text', () => {
  it('leaves nothing that no text needs', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(cleanText(text).text).not.toMatch(NEVER)
      }),
      { numRuns: fuzzRuns(3000) },
    )
  })

  it.each([
    ['an escape sequence between two halves of a pile', `${'\u0301'.repeat(8)}\u001b]${'\u0301'.repeat(4)}`],
  ])('is done after once: %s', (_what, text) => {
    const once = cleanText(text)
    expect(cleanText(once.text)).toEqual({ text: once.text, removed: [] })
    expect(once.removed.map(({ kind }) => kind)).toContain('combining')
  })

  it('is done after once', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const once = cleanText(text)
        expect(cleanText(once.text)).toEqual({ text: once.text, removed: [] })
      }),
      { numRuns: fuzzRuns(6000) },
    )
  })

  it('says that it removed something exactly when the text changed', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const cleaned = cleanText(text)
        expect(cleaned.removed === NOTHING_REMOVED).toBe(cleaned.text === text)
        const kinds = cleaned.removed.map(({ kind }) => kind)
        expect(REMOVED_KINDS.filter((kind) => kinds.includes(kind))).toEqual(kinds)
        expect(cleaned.removed.every(({ count }) => count > 0)).toBe(true)
      }),
      { numRuns: fuzzRuns(3000) },
    )
  })

  it('removes and reorders nothing that is seen, where no escape sequence takes it', () => {
    const withoutEscapes = anyText.map((text) => text.replace(/[\u001b\u0090\u0098\u009b\u009d-\u009f]/g, ''))
    fc.assert(
      fc.property(withoutEscapes, (text) => {
        const seen = (one: string): string => (one.match(ALWAYS_KEPT) ?? []).join('').replaceAll('\ufffd', '')
        expect(seen(cleanText(text).text)).toBe(seen(text))
      }),
      { numRuns: fuzzRuns(3000) },
    )
  })

  it('leaves at most one selector and one joiner between two visible characters', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const cleaned = cleanText(text).text
        expect(cleaned).not.toMatch(/[\u200b-\u200d]{2}/)
        expect(cleaned).not.toMatch(/[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{2}/u)
        expect(cleaned).not.toMatch(/\p{M}{24}/u)
      }),
      { numRuns: fuzzRuns(3000) },
    )
  })
})

describe('cleanText, of each character alone', () => {
  // Seen, although Unicode counts them to the format characters: number signs that stand before their digits.
  const SEEN_FORMAT = /[\u0600-\u0605\u06dd\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u
  const UNSEEN =
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u

  it('takes out every invisible, control and private character of Unicode between Latin letters', () => {
    const left: string[] = []
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const character = String.fromCodePoint(code)
      if (!UNSEEN.test(character) || SEEN_FORMAT.test(character) || /[\t\n]/.test(character)) continue
      if (cleanText(`a${character}a`).text.includes(character)) left.push(code.toString(16))
    }
    expect(left).toEqual([])
  })

  it('keeps every letter, number, mark, sign and space of Unicode', () => {
    const damaged: string[] = []
    for (let code = 0x20; code < 0x40000; code += 1) {
      const character = String.fromCodePoint(code)
      if (UNSEEN.test(character) && !SEEN_FORMAT.test(character)) continue
      if (cleanText(`a${character}a`).text !== `a${character}a`) damaged.push(code.toString(16))
    }
    // Blank without their neighbours (Braille, Khitan, hieroglyphs, music), or a placeholder for what is not there.
    expect(damaged).toEqual(['2800', 'fffc', '13441', '13442', '16fe4', '1d159'])
  })
})

it('returns the very list that says nothing, and counts by kind in a fixed order', () => {
  expect(cleanText('plain').removed).toBe(NOTHING_REMOVED)
  expect(Object.isFrozen(NOTHING_REMOVED)).toBe(true)
  expect(cleanText('\u200b\ue000a\u001b[1mb\u001b[0m\u0000\u0001').removed).toEqual([
    { kind: 'ansi', count: 2 },
    { kind: 'control', count: 2 },
    { kind: 'zero-width', count: 1 },
    { kind: 'private-use', count: 1 },
  ])
})

/** Best of five, in ms of CPU time, so that a busy machine does not decide. */
function cost(text: string): number {
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 5; run += 1) {
    const before = process.cpuUsage()
    cleanText(text)
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / 1000)
  }
  return best
}

describe('cost', () => {
  it.each([
    ['selectors', '\u{e0100}'],
    ['tags', '\u{e0041}'],
    ['isolates that never end', '\u2068'],
    ['isolates in isolates', '\u2068a'],
    ['ends of isolates', '\u2069 '],
    ['marks of direction', 'a \u200e'],
    ['strings that never end', '\u001b]'],
    ['8-bit strings that never end', '\u009d0;x'],
    ['parameters that never end', '\u001b[111111111111111111111111111111111111'],
    ['combining marks', '\u0301'],
    ['marks and joiners', '\u0301\u200d'],
    ['soft hyphens', 'ab\u00ad'],
    ['carriage returns', '\r'],
    ['halves of pairs', '\ud83d'],
    ['Braille blanks', '\u2800 '],
    ['joiners in Persian', 'ی\u200c'],
  ])('of %s grows with their number', (_label, part) => {
    const small = part.repeat(20_000)
    cleanText(small)
    // Eight times the text: linear is about 8, quadratic 64.
    expect(cost(small.repeat(8))).toBeLessThan(24 * Math.max(cost(small), 2))
  })
})

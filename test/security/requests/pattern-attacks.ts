/** Characters of every kind that a class may ask for. */
const pool: readonly string[] = [
  ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
  ...[
    '\u0085',
    '\u009b',
    '\u00a0',
    '\u00ad',
    '\u00b7',
    'é',
    'ß',
    '²',
    '\u0301',
    '\u05d0',
    '\u0628',
    '\u064b',
    '\u06cc',
  ],
  ...[
    '\u0915',
    '\u094d',
    '\u0e01',
    '\u115f',
    '\u180e',
    '\u200b',
    '\u200d',
    '\u200e',
    '\u2028',
    '\u2029',
    '\u202e',
  ],
  ...[
    '\u2044',
    '\u2060',
    '\u3000',
    '中',
    '한',
    '\ufe0f',
    '\ufeff',
    '\uffa0',
    '\uffff',
    '\ue000',
    '\ud800',
    '\udc00',
  ],
  ...['😀', '🏽', '🇩', '\u{e0041}', '\u{e0100}', '\u{f0000}', '\u{10ffff}', '𐏿', '𝒜', '\u{1f3f4}'],
]

/** One character of an expression's text: a class, an escape or a literal. Groups, anchors and quantifiers are not. */
const token =
  /\\p\{[^}]*\}|\\P\{[^}]*\}|\\u\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Z]|\\.|\[(?:\\.|[^\]\\])*\]|\{[0-9,]+\}|\(\?(?:<?[=!]|:|<[^>]*>)|[\s\S]/gu

/** For each character that an expression can match in turn, one or two that fit. */
export function samples(pattern: RegExp): readonly (readonly string[])[] {
  const flags = pattern.flags.replace(/[gy]/g, '')
  const found: (readonly string[])[] = []
  for (const [text] of pattern.source.matchAll(token)) {
    if (/^(?:[()|*+?^$]|\\[bB]|\{[0-9,]+\}|\(\?.*)$/s.test(text)) continue
    const single = new RegExp(`^${text.replace(/^\]|^\}/, '\\$&')}$`, flags)
    const fits = pool.filter((character) => single.test(character))
    // Letters and what is rarest among what fits: classes overlap in different ways.
    const chosen = [fits.find((character) => /[a-z0-9]/i.test(character)), fits[0], fits.at(-1)]
    const distinct = [...new Set(chosen.filter((character) => character !== undefined))]
    if (distinct.length > 0) found.push(distinct)
  }
  return found
}

const endings = ['', '\u0000', '!', 'é\n']

/** A text that makes an expression try and fail, as long as it is asked for. */
export interface Attack {
  readonly text: (length: number) => string
}

/**
 * The beginning of what an expression matches, then one character, two, three or the whole of it again and again, then
 * something that does not fit.
 */
export function attacks(pattern: RegExp): readonly Attack[] {
  const atoms = samples(pattern)
  const first = atoms.map(([character = '']) => character)
  const pumps = new Map<string, { readonly pump: string; readonly prefix: string }>()
  const add = (pump: string, prefix = ''): void => {
    if (pump !== '') pumps.set(`${pump}\n${prefix}`, { pump, prefix })
  }
  for (const [at, choices] of atoms.entries()) {
    const before = first.slice(0, at).join('').slice(-200)
    for (const choice of choices) {
      add(choice)
      add(choice, before)
    }
    add(first.slice(at, at + 2).join(''), before)
    add(first.slice(at, at + 3).join(''))
    add(first.slice(at, at + 3).join(''), before)
  }
  add(first.join('').slice(0, 200))
  for (const pump of ['a', ' ', '0', '(', '"']) add(pump)
  return [...pumps.values()].flatMap(({ pump, prefix }) =>
    endings.map((ending) => ({
      text: (length) => prefix + pump.repeat(Math.max(1, Math.floor(length / pump.length))) + ending,
    })),
  )
}

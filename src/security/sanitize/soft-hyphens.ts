import type { RemovalTally } from './removed-text.js'

const SOFT_HYPHEN = '\u00ad'
const WORD = new RegExp(String.raw`[\p{L}\p{M}${SOFT_HYPHEN}]+`, 'gu')
const SHORTEST_WORD = 10
const SHORTEST_PART = 2

/**
 * Keeps soft hyphens where a typesetter puts them: alone, in a word of ten letters or more, at least two letters away
 * from both ends and from the next one. Others split words to get them past a filter.
 */
export function settleSoftHyphens(text: string, tally: RemovalTally): string {
  if (!text.includes(SOFT_HYPHEN)) return text
  return text.replace(WORD, (word) => {
    const [first = '', ...rest] = word.split(SOFT_HYPHEN)
    if (rest.length === 0) return word
    const mayBreak = word.length - rest.length >= SHORTEST_WORD
    let kept = first
    let last = first
    for (const part of rest) {
      const fits = mayBreak && last.length >= SHORTEST_PART && part.length >= SHORTEST_PART
      if (!fits) tally.add('zero-width')
      kept += fits ? SOFT_HYPHEN + part : part
      last = part
    }
    return kept
  })
}

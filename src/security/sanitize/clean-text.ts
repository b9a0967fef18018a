import { boundMarks } from './combining-marks.js'
import { settleDirections } from './directional-characters.js'
import { removeHidden } from './hidden-characters.js'
import { isPlainText } from './plain-text.js'
import { NOTHING_REMOVED, RemovalTally, type RemovedText } from './removed-text.js'
import { settleShaping } from './shaping-characters.js'
import { settleSoftHyphens } from './soft-hyphens.js'
import { survey } from './survey.js'

export interface CleanedText {
  readonly text: string
  /** What was removed or replaced; empty, and always the same frozen list, when `text` is the text that came in. */
  readonly removed: readonly RemovedText[]
}

/**
 * Removes what a reader does not see but a terminal or a model obeys: escape sequences, control characters, direction
 * overrides, and invisible or meaningless characters that hide or smuggle text.
 *
 * What a script needs stays: joiners in Persian and Hindi, marks in Arabic and Hebrew, word breaks in Thai and Khmer,
 * emoji with their variants and joins, flags, selectors of Mongolian and of Japanese names. The text is not
 * normalized, and nothing visible changes but private use characters, piles of more than ten combining marks, and
 * line ends: a lone CR and U+2028/2029 become LF. Cleaning twice is cleaning once.
 *
 * This is no detector of prompt injection, which can be written in plain letters; and what is left may be markup, so
 * escape or sanitize it before it becomes HTML.
 */
export function cleanText(text: string): CleanedText {
  if (isPlainText(text)) return { text, removed: NOTHING_REMOVED }
  const { hidden, unseen, piled } = survey(text)
  const tally = new RemovalTally()
  let cleaned = text
  // In this order: each step may rely on what the steps before it took out.
  if (hidden) cleaned = removeHidden(cleaned, tally)
  // A sequence that was taken out may have stood between two halves of a pile.
  if (piled || hidden) cleaned = boundMarks(cleaned, tally)
  if (unseen) {
    cleaned = settleShaping(cleaned, tally)
    cleaned = settleDirections(cleaned, tally)
    cleaned = settleSoftHyphens(cleaned, tally)
  }
  const removed = tally.list()
  return removed === NOTHING_REMOVED ? { text, removed } : { text: cleaned, removed }
}

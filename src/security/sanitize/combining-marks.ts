import { classOf, MARK, PLAIN } from './character-classes.js'
import type { RemovalTally } from './removed-text.js'
import { TextCutter } from './text-cutter.js'

/**
 * Most combining marks on one base. Text stays below it: Vietnamese has two, pointed and accented Hebrew five, the
 * largest Tibetan stacks eight. More is a pile that covers the lines around it.
 */
export const MAX_MARKS = 10

/**
 * Keeps the first ten combining marks of each base and takes out the others. Characters without a shape do not end a
 * pile, or one between every two marks would hide it.
 */
export function boundMarks(text: string, tally: RemovalTally): string {
  const cutter = new TextCutter(text)
  let marks = 0
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0
    const end = at + (code > 0xffff ? 2 : 1)
    const kind = classOf(code)
    if (kind === PLAIN) marks = 0
    else if (kind === MARK) {
      marks += 1
      if (marks > MAX_MARKS) {
        tally.add('combining')
        cutter.cut(at, end)
      }
    }
    at = end
  }
  return cutter.finish()
}

import { classOf, UNSEEN } from './character-classes.js'

/** No neighbour: the start or the end of the text. */
export const NONE = -1

/** A run `[start, end)` of unseen characters between two visible ones, given as code points or `NONE`. */
export type RunVisitor = (start: number, end: number, before: number, after: number) => void

/**
 * Visits every run of characters without a shape. A neighbour is always visible and never goes, so that taking one
 * unseen character away does not change the judgement of another: cleaning twice is cleaning once.
 */
export function visitUnseenRuns(text: string, visit: RunVisitor): void {
  let before = NONE
  let start = NONE
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0
    if (classOf(code) === UNSEEN) {
      if (start === NONE) start = at
    } else {
      if (start !== NONE) visit(start, at, before, code)
      start = NONE
      before = code
    }
    at += code > 0xffff ? 2 : 1
  }
  if (start !== NONE) visit(start, text.length, before, NONE)
}

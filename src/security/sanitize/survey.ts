import { classOf, HIDDEN, MARK, PLAIN, UNSEEN } from './character-classes.js'
import { MAX_MARKS } from './combining-marks.js'

/** Which steps of cleaning a text needs. */
export interface Survey {
  hidden: boolean
  unseen: boolean
  piled: boolean
}

/** One walk over a text, so that a clean one in any script costs no more than that. */
export function survey(text: string): Survey {
  const found: Survey = { hidden: false, unseen: false, piled: false }
  let marks = 0
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0
    const kind = classOf(code)
    if (kind === PLAIN) marks = 0
    else if (kind === MARK) {
      marks += 1
      if (marks > MAX_MARKS) found.piled = true
    } else if (kind === UNSEEN) found.unseen = true
    else if (kind === HIDDEN) found.hidden = true
    at += code > 0xffff ? 2 : 1
  }
  return found
}

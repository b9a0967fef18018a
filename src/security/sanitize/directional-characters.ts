import type { RemovalTally } from './removed-text.js'
import { RIGHT_TO_LEFT } from './script-classes.js'
import { TextCutter } from './text-cutter.js'
import { NONE, visitUnseenRuns } from './unseen-runs.js'

const ANY = /[\u061c\u200e\u200f\u2066-\u2069]/
const RTL = new RegExp(`[${RIGHT_TO_LEFT}]`, 'u')

/**
 * Judges directional marks and isolates line by line, because their effect ends with the line (UAX #9, rule P1).
 *
 * - Isolates stay in pairs that say what the text would do by itself, so that they can never reorder it: FSI around
 *   anything (as message formatters put it around a value), RLI around text that begins right-to-left, LRI around text
 *   that does not, in a line with right-to-left text. FSI inside a word goes.
 * - Marks stay in lines with right-to-left text, except inside Latin words and numbers, and where the number formats
 *   of right-to-left locales put them. The same mark twice in a row goes.
 */
export function settleDirections(text: string, tally: RemovalTally): string {
  if (!ANY.test(text)) return text
  const cutter = new TextCutter(text)
  for (let start = 0; start < text.length; ) {
    const feed = text.indexOf('\n', start)
    const end = feed === -1 ? text.length : feed
    const line = text.slice(start, end)
    if (ANY.test(line)) {
      const kept = new LineJudge(line).indexesToKeep()
      let dropped = 0
      for (let at = 0; at < line.length; at += 1) {
        if (kept[at] === 1 || !isDirectional(line.charCodeAt(at))) continue
        cutter.cut(start + at, start + at + 1)
        dropped += 1
      }
      if (dropped > 0) tally.add('bidi', dropped)
    }
    start = end + 1
  }
  return cutter.finish()
}

function isDirectional(unit: number): boolean {
  return (unit >= 0x2066 && unit <= 0x2069) || unit === 0x200e || unit === 0x200f || unit === 0x061c
}

interface Isolate {
  readonly at: number
  readonly opener: string
  /** Whether it starts inside a word. */
  readonly inWord: boolean
  /** Whether anything visible stands inside. */
  filled: boolean
  /** Of the first letter inside. */
  direction: 'rtl' | 'ltr' | undefined
}

const LRM = '\u200e'
const LRI = '\u2066'
const RLI = '\u2067'
const FSI = '\u2068'
const PDI = '\u2069'
const MARK = /[\u061c\u200e\u200f]/
const MARKS = ['\u061c', LRM, '\u200f']
const MAX_NESTED = 8

const LETTER = /\p{L}/u
const CASED = /\p{Cased_Letter}/u
const WORD_CHARACTER = /[\p{Cased_Letter}0-9]/u
const DIGIT = /\p{Nd}/u
// What a number format puts a mark beside: a digit, a sign, a currency, a bracket, the space before a currency code.
const NUMBER_PART = /[\p{Nd}\p{Sc}+\-\u2212%(/\u00a0]/u
const WORDS = /[\p{Ll}\p{Lt}\p{Lm}\p{Lo}]|\p{Lu}{4}/u
const SIGNED_NUMBER = /[+\-\u2212]\p{Nd}/uy

class LineJudge {
  readonly #line: string
  readonly #isRtl: boolean
  #isNumber: boolean | undefined
  readonly #kept: Uint8Array
  readonly #open: Isolate[] = []
  /** Isolates opened inside eight others; they go. */
  #tooDeep = 0

  constructor(line: string) {
    this.#line = line
    this.#isRtl = RTL.test(line)
    this.#kept = new Uint8Array(line.length)
  }

  /** 1 at the index of each directional character that stays. */
  indexesToKeep(): Uint8Array {
    let content = 0
    visitUnseenRuns(this.#line, (start, end, before, after) => {
      this.#noteContent(content, start)
      content = end
      const run = this.#line.slice(start, end)
      const left = before === NONE ? '' : String.fromCodePoint(before)
      const right = after === NONE ? '' : String.fromCodePoint(after)
      this.#judgeMarks(run, start, left, right)
      this.#judgeIsolates(run, start, CASED.test(left))
    })
    return this.#kept
  }

  #judgeMarks(run: string, start: number, before: string, after: string): void {
    if (!MARK.test(run)) return
    if (WORD_CHARACTER.test(before) && WORD_CHARACTER.test(after)) return
    for (const mark of MARKS) {
      const at = run.indexOf(mark)
      if (at !== -1 && (this.#isRtl || this.#isNumberMark(mark, start + run.length, before, after))) {
        this.#kept[start + at] = 1
      }
    }
  }

  #isNumberMark(mark: string, end: number, before: string, after: string): boolean {
    SIGNED_NUMBER.lastIndex = end
    if (mark === LRM && !WORD_CHARACTER.test(before) && SIGNED_NUMBER.test(this.#line)) return true
    this.#isNumber ??= isNumberAlone(this.#line)
    return this.#isNumber && (NUMBER_PART.test(before) || NUMBER_PART.test(after))
  }

  #judgeIsolates(run: string, start: number, inWord: boolean): void {
    for (let index = 0; index < run.length; index += 1) {
      const character = run.charAt(index)
      const at = start + index
      if (character === LRI || character === RLI || character === FSI) {
        if (this.#open.length === MAX_NESTED) this.#tooDeep += 1
        else this.#open.push({ at, opener: character, inWord, filled: false, direction: undefined })
      } else if (character === PDI && this.#tooDeep > 0) this.#tooDeep -= 1
      else if (character === PDI) {
        const isolate = this.#open.pop()
        if (isolate !== undefined && this.#isHarmless(isolate)) {
          this.#kept[isolate.at] = 1
          this.#kept[at] = 1
        }
      }
    }
  }

  /** Those that lack something are the innermost ones, so each is written twice at most and the walk stays linear. */
  #noteContent(start: number, end: number): void {
    if (start === end || this.#open.length === 0) return
    const letter = LETTER.exec(this.#line.slice(start, end))?.[0]
    const direction = letter === undefined ? undefined : RTL.test(letter) ? 'rtl' : 'ltr'
    for (let depth = this.#open.length - 1; depth >= 0; depth -= 1) {
      const isolate = this.#open[depth]
      if (isolate === undefined || isolate.direction !== undefined) return
      if (isolate.filled && direction === undefined) return
      isolate.filled = true
      isolate.direction = direction
    }
  }

  #isHarmless({ opener, inWord, filled, direction }: Isolate): boolean {
    if (!filled) return false
    if (opener === FSI) return !inWord
    return opener === RLI ? direction === 'rtl' : this.#isRtl && direction !== 'rtl'
  }
}

/** A line with a number and no words, but for a currency code or a unit. */
function isNumberAlone(line: string): boolean {
  let seen = ''
  let from = 0
  visitUnseenRuns(line, (start, end) => {
    seen += line.slice(from, start)
    from = end
  })
  seen += line.slice(from)
  return DIGIT.test(seen) && !WORDS.test(seen)
}

import { classOf, HIDDEN } from './character-classes.js'
import type { RemovalTally, RemovedKind } from './removed-text.js'
import { TextCutter } from './text-cutter.js'

const ESC = String.raw`\u001b`
// The grammar of ECMA-48, section 5.4: parameters, intermediates, one final byte. One that the end of the text cuts
// short goes whole; of one that is broken off in the middle only the introducer goes, and the rest stays visible.
const CSI = String.raw`(?:${ESC}\[|\u009b)(?:[0-?]{0,64}[ -/]{0,8}(?:[@-~]|$))?`
// OSC, DCS, SOS, PM, APC and the title of screen: a string up to BEL or ST, in one line and of 4,096 characters at
// most. Where that end is missing only the introducer goes, so that an opened string cannot take a text away.
const STRING = String.raw`(?:${ESC}[\]PX^_k]|[\u0090\u0098\u009d-\u009f])(?:[^\u0000-\u001f\u007f-\u009f]{0,4096}(?:\u0007|${ESC}\\|\u009c))?`
const SHORT = `${ESC}(?:[ -/]{0,2}[0-~])?`
const ESCAPE = new RegExp(`${STRING}|${CSI}|${SHORT}`, 'y')

const BRAILLE_BLANK = 0x2800
const BLANKS = /\u2800+/g
const BRAILLE_DOTS = /[\u2801-\u28ff]/

/**
 * Takes out what no text needs, whatever stands beside it: escape sequences, controls, embeddings and overrides,
 * private use, noncharacters. Lone carriage returns, which can write over a line, and U+2028/2029 become line feeds;
 * halves of a surrogate pair become U+FFFD, so that two of them never join.
 */
export function removeHidden(text: string, tally: RemovalTally): string {
  const cutter = new TextCutter(text)
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) ?? 0
    const width = code > 0xffff ? 2 : 1
    if (classOf(code) !== HIDDEN || code === BRAILLE_BLANK) {
      at += width
      continue
    }
    const end = at + Math.max(width, escapeLength(text, at, code))
    if (code !== 0x0d || text.charCodeAt(end) !== 0x0a) {
      const kind = code === 0x1b || end - at > width ? 'ansi' : kindOf(code)
      tally.add(kind)
      cutter.cut(at, end, replacementOf(code, kind))
    }
    at = end
  }
  return removeBlanks(cutter.finish(), tally)
}

/** A blank cell of Braille is a space among Braille, once escapes are gone, and hidden in any other text. */
function removeBlanks(text: string, tally: RemovalTally): string {
  if (!text.includes('\u2800') || BRAILLE_DOTS.test(text)) return text
  return text.replace(BLANKS, (blanks) => {
    tally.add('invisible', blanks.length)
    return ''
  })
}

function escapeLength(text: string, at: number, code: number): number {
  const introduces = code === 0x1b || (code >= 0x90 && code <= 0x9f)
  ESCAPE.lastIndex = at
  return introduces ? (ESCAPE.exec(text)?.[0].length ?? 0) : 0
}

function replacementOf(code: number, kind: RemovedKind): string {
  if (code === 0x0d || code === 0x2028 || code === 0x2029) return '\n'
  return kind === 'surrogate' ? '\ufffd' : ''
}

const PRIVATE_USE = /\p{Private_Use}/u

function kindOf(code: number): RemovedKind {
  if (code < 0xa0 || code === 0x2028 || code === 0x2029) return 'control'
  if ((code >= 0x202a && code <= 0x202e) || (code >= 0x206a && code <= 0x206f)) return 'bidi'
  if (code === 0x2060 || code === 0xfeff) return 'zero-width'
  if (code >= 0xd800 && code <= 0xdfff) return 'surrogate'
  if (code >= 0xe0000 && code <= 0xe007f) return 'tag'
  if (PRIVATE_USE.test(String.fromCodePoint(code))) return 'private-use'
  const nonCharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe
  return nonCharacter || code > 0xffff ? 'unassigned' : 'invisible'
}

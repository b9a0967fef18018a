import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PartMarks } from './part-marks.js'

/** The parts of bytes that came in pieces of these lengths. */
function partsOf(
  bytes: Buffer,
  lengths: readonly number[],
  isText: boolean,
  most: number,
): readonly Buffer[] {
  const marks = new PartMarks(isText, most)
  let at = 0
  for (const length of [...lengths, bytes.length]) {
    const piece = bytes.subarray(at, at + length)
    if (piece.length > 0) marks.add(piece)
    at += piece.length
  }
  const ends = marks.end()
  return ends.slice(1).map((end, index) => bytes.subarray(ends[index], end))
}

const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 })
const texts = fc.string({ unit: fc.constantFrom('a', 'b', '\n', 'é', '東', '😀'), maxLength: 300 })

describe('PartMarks', () => {
  it('parts no line that fits a part, and no character, however the text came', () => {
    const check = fc.property(texts, pieces, fc.integer({ min: 8, max: 64 }), (text, lengths, most) => {
      const bytes = Buffer.from(text)
      const parts = partsOf(bytes, lengths, true, most)
      expect(Buffer.concat(parts)).toEqual(bytes)
      expect(parts.map((part) => part.toString('utf8')).join('')).toBe(text)
      parts.forEach((part, index) => {
        expect(part.length).toBeLessThanOrEqual(most)
        const isLast = index === parts.length - 1
        expect(isLast || part.length > 0).toBe(true)
        // Without a line end in it, it is cut as late as characters allow.
        if (!isLast && part.includes(10)) expect(part.at(-1)).toBe(10)
        else if (!isLast) expect(part.length).toBeGreaterThan(most - 4)
      })
    })
    fc.assert(check, { numRuns: 300 })
  })

  it('cuts bytes where the part is full', () => {
    const check = fc.property(
      fc.uint8Array({ maxLength: 200 }),
      pieces,
      fc.integer({ min: 1, max: 30 }),
      (raw, lengths, most) => {
        const bytes = Buffer.from(raw)
        const parts = partsOf(bytes, lengths, false, most)
        expect(Buffer.concat(parts)).toEqual(bytes)
        expect(parts.slice(0, -1).every((part) => part.length === most)).toBe(true)
      },
    )
    fc.assert(check)
  })

  it('goes on with bytes that are no text at all', () => {
    const parts = partsOf(Buffer.alloc(100, 0x80), [7, 7, 7], true, 10)
    expect(parts.every((part) => part.length > 0 && part.length <= 10)).toBe(true)
  })
})

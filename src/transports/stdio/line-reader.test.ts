import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLineReader } from './line-reader.js'

/** What the reader makes of the chunks: lines as they are, dropped lines as `!reason`. */
function read(chunks: readonly Buffer[], maxLineBytes?: number): string[] {
  const seen: string[] = []
  const reader = createLineReader({
    ...(maxLineBytes === undefined ? {} : { maxLineBytes }),
    unreadable: (reason) => seen.push(`!${reason}`),
  })
  const take = (): void => {
    for (let line = reader.next(); line !== undefined; line = reader.next()) seen.push(line)
  }
  for (const chunk of chunks) {
    reader.push(chunk)
    take()
  }
  reader.end()
  take()
  return seen
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')

function cutAt(whole: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((at) => at % (whole.length + 1)), whole.length].sort((a, b) => a - b)
  return sorted.slice(1).map((end, n) => whole.subarray(sorted[n], end))
}

describe('createLineReader', () => {
  it('decodes a line whole wherever it is cut', () => {
    const whole = bytes('{"a":"é€😀"}\r\n\n{"b":"\ufffd"}\n')
    for (let at = 0; at <= whole.length; at += 1) {
      expect(read(cutAt(whole, [at]))).toEqual(['{"a":"é€😀"}', '{"b":"\ufffd"}'])
    }
    expect(read([...whole].map((byte) => Buffer.from([byte])))).toEqual(['{"a":"é€😀"}', '{"b":"\ufffd"}'])
  })

  it('leaves out blank lines and a byte order mark at the start, and only there', () => {
    expect(read([bytes('\ufeff1\n\r\n  \n\t\r\n\ufeff2\n')])).toEqual(['1', '\ufeff2'])
    expect(read([bytes('\n\ufeff1\n')])).toEqual(['\ufeff1'])
  })

  it('returns a last line that has no newline', () => {
    expect(read([bytes('1\n2')])).toEqual(['1', '2'])
    expect(read([bytes('1\n2\n')])).toEqual(['1', '2'])
    expect(read([])).toEqual([])
  })

  it('reports invalid UTF-8 in its place and keeps the lines around it', () => {
    const bad = Buffer.from([0x22, 0xc3, 0x28, 0x22, 0x0a])
    expect(read([Buffer.concat([bytes('1\n'), bad, bytes('2\n\n3'), Buffer.from([0xff])])])).toEqual([
      '1',
      '!not UTF-8',
      '2',
      '!not UTF-8',
    ])
    expect(read([Buffer.from([0xed, 0xa0, 0x80, 0x0a])])).toEqual(['!not UTF-8'])
  })

  it('reports a long line once and goes on after it', () => {
    const long = 'x'.repeat(11)
    expect(read([bytes(`1\n${long}\n2\n`)], 10)).toEqual(['1', '!too long', '2'])
    expect(read([bytes('1\n'), bytes(long), bytes(long), bytes('x\n2\n')], 10)).toEqual([
      '1',
      '!too long',
      '2',
    ])
    expect(read([bytes(long)], 10)).toEqual(['!too long'])
    expect(read([bytes(`${'x'.repeat(10)}\n`)], 10)).toEqual(['x'.repeat(10)])
    expect(read([bytes('é'.repeat(6)), bytes('\n1\n')], 10)).toEqual(['!too long', '1'])
  })

  it('keeps no more of an endless line than the limit', () => {
    const chunk = Buffer.alloc(64 * 1024, 0x61)
    const reasons: string[] = []
    const reader = createLineReader({
      maxLineBytes: 1024 * 1024,
      unreadable: (reason) => reasons.push(reason),
    })
    const before = process.memoryUsage().arrayBuffers
    for (let n = 0; n < 4000; n += 1) {
      reader.push(chunk)
      expect(reader.next()).toBeUndefined()
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024)
    expect(reasons).toEqual(['too long'])
    reader.push(bytes('\n1\n'))
    expect(reader.next()).toBe('1')
  })

  it('takes a line of many small chunks in linear time', () => {
    const reader = createLineReader({ unreadable: () => {} })
    const from = performance.now()
    for (let n = 0; n < 300_000; n += 1) {
      reader.push(bytes('x'))
      reader.next()
    }
    reader.push(bytes('\n'))
    expect(reader.next()).toHaveLength(300_000)
    expect(performance.now() - from).toBeLessThan(5000)
  })

  it('gives the same lines for any content, cut anywhere, under any limit', () => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }).map((text) => bytes(text.replaceAll('\n', ''))),
      fc.uint8Array({ maxLength: 12 }).map((raw) => Buffer.from(raw.filter((byte) => byte !== 0x0a))),
    )
    fc.assert(
      fc.property(
        fc.array(line),
        fc.array(fc.nat()),
        fc.integer({ min: 1, max: 40 }),
        (lines, places, limit) => {
          const whole = Buffer.concat(lines.flatMap((content) => [content, bytes('\n')]))
          const expected = lines.flatMap((content, n) => {
            if (content.length > limit) return ['!too long']
            let text: string
            try {
              text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: n > 0 }).decode(content)
            } catch {
              return ['!not UTF-8']
            }
            const cleaned = text.replace(/\r$/, '')
            return /^[\t\v\f\r ]\s*$|^$/.test(cleaned) ? [] : [cleaned]
          })
          expect(read(cutAt(whole, places), limit)).toEqual(expected)
        },
      ),
      { numRuns: 500, seed: 42 },
    )
  })
})

import { describe, expect, it } from 'vitest'
import { MAX_DEPTH, MAX_ENTRIES, redact } from './redact.js'
import { MAX_TEXT, redactText } from './redact-text.js'

/** Milliseconds of a run, the best of three when the machine is busy with something else. */
function quickest(run: () => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 3 && best > 50; tries += 1) {
    const started = performance.now()
    run()
    best = Math.min(best, performance.now() - started)
  }
  return best
}

describe('bounds', () => {
  it('cuts long texts, and says by how much', () => {
    const safe = redactText('word '.repeat(20_000))
    expect(safe.length).toBeLessThanOrEqual(MAX_TEXT)
    expect(safe).toMatch(/… [\d,]{6} more characters$/)
    const kept = safe.lastIndexOf('…')
    expect(safe).toContain(`… ${(100_000 - kept).toLocaleString('en-US')} more characters`)
    expect(redactText(safe)).toBe(safe)
  })

  it('leaves no half of a secret where it cuts', () => {
    for (let before = MAX_TEXT - 120; before < MAX_TEXT; before += 1) {
      const text = `${'a '.repeat(before / 2)} postgres://app:hunter2hunter2@db/x ${'b '.repeat(500)}`
      expect(redactText(text)).not.toContain('hunter')
    }
  })

  it('cuts entries, depth and the whole, and says so', () => {
    const list = redact(Array.from({ length: 5000 }, (_, i) => i)) as unknown[]
    expect(list).toHaveLength(MAX_ENTRIES)
    expect(list.at(-1)).toBe('… 4,001 more entries')
    const many = redact(Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`k${i}`, i]))) as object
    expect(many).toHaveProperty('…', '501 more entries')
    for (const bounded of [list, many]) expect(redact(bounded)).toEqual(bounded)
    let deep: object = { end: 1 }
    for (let level = 0; level < 20_000; level += 1) deep = { deep }
    expect(JSON.stringify(redact(deep))).toContain('[too deep: object]')
    expect(JSON.stringify(redact(deep)).split('"deep"')).toHaveLength(MAX_DEPTH + 1)
    let wide: unknown = 'x'
    for (let level = 0; level < 20; level += 1) wide = [wide, wide, wide]
    expect(JSON.stringify(redact(wide)).length).toBeLessThan(500_000)
    const texts = Array.from({ length: 900 }, () => 'word '.repeat(1000))
    expect(JSON.stringify(redact(texts))).toContain('[left out: 5,000 characters]')
  })

  it('takes time in proportion to a text, whatever it is', () => {
    const pieces = [
      'eyJ',
      '-eyJ',
      'password',
      'password=',
      'token:',
      "token:'",
      'token:\u201c\n',
      'auth=',
      '://',
      '://a:',
      '@',
      'a:',
      ':',
      '=',
      '-----BEGIN ',
      '-----END ',
      'Bearer ',
      'bearer a',
      'Cookie: a=',
      '\\',
      '\\"',
      '"',
      "'",
      '{',
      '[',
      'token:[',
      'token:["\\"',
      'token=[[',
      '<password>',
      '<password',
      'curl -u ',
      'curl ',
      'mysql ',
      '?code=',
      '&key=',
      '%3A%2F%2F',
      '%3Aa',
      '%',
      'kty {"d":"',
      'd":',
      'SG.',
      '-SG.a',
      'sk-',
      '-sk-a',
      'M',
      '-M',
      '$2b$',
      'a',
      'A1',
      'a.',
      'a-',
      'a_',
      '0',
      '0:',
      ' ',
      '\n',
      '\t',
      '/',
      'a/',
      'thin:a/',
      ';Password=',
      'password is ',
      'api key ',
      'key',
      '.key',
      'password.',
      '$',
      '_',
      '=>',
      'login a password ',
      'Authorization: Digest ',
      'Authorization: ',
      '\u201d',
      '\ud800',
      'x@',
      'basic YTph',
      'identified by ',
      'pwd=[redacted]',
      '…',
      'must ',
      'password: must ',
    ]
    const slow: string[] = []
    for (const piece of pieces) {
      for (const end of ['', '!', '\n=']) {
        const text = piece.repeat(Math.ceil(MAX_TEXT / piece.length)).slice(0, MAX_TEXT - end.length) + end
        const ms = quickest(() => redactText(text))
        if (ms > 250) slow.push(`${JSON.stringify(piece)} ${ms.toFixed(0)} ms`)
      }
    }
    expect(slow).toEqual([])
  })
})

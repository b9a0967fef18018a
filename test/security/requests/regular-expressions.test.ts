import { describe, expect, it } from 'vitest'
import { type Attack, attacks, samples } from './pattern-attacks.js'
import { constructedBy, type FoundPattern, patternsIn, programs, sourceFiles } from './source-patterns.js'

/** Short texts show what is exponential before it would hang the test, longer ones what grows with a high power. */
const probes = [20, 24, 28, 32, 300, 1500]
/** What is quadratic takes hundreds of millions of steps here, what is linear a few thousands. */
const longest = 32_000
/** Of all texts those are made as long as that which took the longest while they were shorter. */
const suspects = 10
/** Below it time says nothing. */
const floorMs = 50
/** No expression may take so long, however it grows. */
const ceilingMs = 1200
/** The same work twice takes twice as long, a square four times. */
const mostGrowth = 3
const tries = 5

/** These read an expression that the server's author wrote into a schema, and run when the server starts. */
const ofAuthors = [/^src\/schema\/inspect\.ts:\d+$/]

/** Makes those that wait for their first use. */
async function useWhatIsMadeLate(): Promise<void> {
  const { holdsTokenShape } = await import('../../../src/errors/redaction/token-shapes.js')
  holdsTokenShape('x ghp_0123456789abcdefghijABCDEFGHIJ012345')
}

/**
 * Milliseconds of processor time, at best, so that what else the machine does counts little. It is used as it is written:
 * one that is global goes on where it has stopped.
 */
function cost(pattern: RegExp, text: string): number {
  let best = Number.POSITIVE_INFINITY
  for (let n = 0; n < tries && best > floorMs; n += 1) {
    const started = process.cpuUsage()
    pattern.lastIndex = 0
    if (pattern.global) text.replace(pattern, '')
    else pattern.exec(text)
    const took = process.cpuUsage(started).user / 1000
    best = Math.min(best, took)
    if (took > ceilingMs) break
  }
  return best
}

/** The first text that takes too long, with how long; undefined when there is none. */
function slowest(pattern: RegExp): string | undefined {
  const all = attacks(pattern)
  const describe = (text: string, ms: number): string =>
    `${text.length} characters like ${JSON.stringify(text.slice(0, 40))} took ${Math.round(ms)} ms`
  let ranked: { attack: Attack; ms: number }[] = []
  for (const length of probes) {
    ranked = []
    for (const attack of all) {
      const text = attack.text(length)
      const ms = cost(pattern, text)
      if (ms > floorMs) return describe(text, ms)
      ranked.push({ attack, ms })
    }
  }
  ranked.sort((left, right) => right.ms - left.ms)
  for (const { attack } of ranked.slice(0, suspects)) {
    const text = attack.text(longest)
    const ms = cost(pattern, text)
    if (ms <= floorMs) continue
    const grows = ms > ceilingMs || ms > mostGrowth * cost(pattern, attack.text(longest / 2))
    if (grows) return describe(text, ms)
  }
  return undefined
}

function isSlow({ where, pattern }: FoundPattern): string[] {
  const found = slowest(pattern)
  return found === undefined ? [] : [`${where} ${String(pattern)}: ${found}`]
}

const files = sourceFiles().map((path) => ({ path, ...patternsIn(path) }))
const literals = files.flatMap((file) => file.literals)
const constructed = files.flatMap((file) => file.constructed)

describe('every regular expression of the sources', { timeout: 120_000 }, () => {
  it.each(files.filter((file) => file.literals.length > 0))('$path is linear', ({ literals: own }) => {
    expect(own.flatMap(isSlow)).toEqual([])
  })

  it('is found: literals by parsing, constructed ones by loading every module', async () => {
    const made = await constructedBy(useWhatIsMadeLate)
    expect(files.filter(({ path }) => programs.includes(path)).flatMap((file) => file.constructed)).toEqual(
      [],
    )
    expect(literals.length).toBeGreaterThan(100)
    const places = new Set(made.map(({ where }) => where))
    for (const where of constructed) {
      const known = places.has(where) || ofAuthors.some((place) => place.test(where))
      expect([where, known]).toEqual([where, true])
    }
    expect(made.flatMap(isSlow)).toEqual([])
  })
})

describe('the attack itself', { timeout: 120_000 }, () => {
  it.each([
    ['exponential', /^(?:a+)+$/],
    ['exponential in alternatives', /^(?:a|a)*$/],
    ['exponential behind a prefix', /^key=(?:\w+\s?)*;/],
    ['quadratic, not anchored', /\s+$/],
    ['quadratic, two that overlap', /^\d+\w*!$/],
    ['quadratic, global', /a+b/g],
    ['quadratic, pairs', /(?:ab)+c/],
    ['cubic', /^[a-z]+[a-y]+[a-x]+$/],
    ['of an e-mail address', /^([a-zA-Z0-9._-]+)+@example$/],
  ])('finds what is %s', (_label, pattern) => {
    expect(slowest(pattern)).toMatch(/ took \d+ ms/)
  })

  it('lets pass what is linear', () => {
    for (const pattern of [/^[a-z]+$/, /^\d{1,5}(?:\.\d{1,5})?$/, /[\p{Cc}]/gu, /^(?:a|b)*$/]) {
      expect(slowest(pattern)).toBeUndefined()
    }
  })

  it('reads the characters of an expression', () => {
    expect(samples(/^a[0-9]\.\u{1f600}(?:x|\p{Cc})$/u).map(([character]) => character)).toEqual([
      'a',
      '0',
      '.',
      '😀',
      'x',
      '\u0000',
    ])
  })
})

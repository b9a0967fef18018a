const KNOWN_BELOW = 0x20000
const IS_KNOWN = 0x8000

/**
 * Remembers what a judgement by regular expressions said of a code point, in bits 0-14. Property classes such as
 * `\p{Script=...}` cost a search in long tables; a text asks for the same few characters again and again.
 */
export class CodePointMemo {
  readonly #known = new Uint16Array(KNOWN_BELOW)
  readonly #judge: (character: string) => number

  constructor(judge: (character: string) => number) {
    this.#judge = judge
  }

  of(code: number): number {
    const known = this.#known[code] ?? 0
    if (known !== 0) return known & ~IS_KNOWN
    const judged = this.#judge(String.fromCodePoint(code))
    if (code < KNOWN_BELOW) this.#known[code] = judged | IS_KNOWN
    return judged
  }
}

/** Cuts pieces out of a text, from left to right; what lies between is copied once, and nothing if nothing is cut. */
export class TextCutter {
  readonly #text: string
  #done = ''
  #from = 0

  constructor(text: string) {
    this.#text = text
  }

  /** Cuts `[start, end)` and puts `instead` in its place. `start` must not lie before the end of the last cut. */
  cut(start: number, end: number, instead = ''): void {
    if (start > this.#from) this.#done += this.#text.slice(this.#from, start)
    this.#done += instead
    this.#from = end
  }

  finish(): string {
    return this.#from === 0 ? this.#text : this.#done + this.#text.slice(this.#from)
  }
}

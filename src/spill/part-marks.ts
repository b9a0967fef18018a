/** What one read answers at most; a part is smaller where a line or a character would be parted. */
const partBytes = 1024 * 1024

const newline = 10

/**
 * Finds where the parts of a file end while it is written: a text's at the end of its last line that is whole, or where it has no
 * line of that length, between two characters.
 */
export class PartMarks {
  readonly #isText: boolean
  readonly #most: number
  /** Where parts begin. */
  readonly #starts: number[] = [0]
  #written = 0
  /** After the last line end of this part, and the last place where a character begins. */
  #afterLine = 0
  #character = 0

  constructor(isText: boolean, most: number = partBytes) {
    this.#isText = isText
    this.#most = most
  }

  add(bytes: Uint8Array): void {
    const base = this.#written
    this.#written += bytes.length
    for (;;) {
      const start = this.#starts.at(-1) ?? 0
      const limit = start + this.#most
      // A line end right at the limit still belongs to this part.
      const seen = Math.min(this.#written, limit)
      this.#look(bytes, base, seen)
      if (this.#written <= limit) return
      const end = !this.#isText
        ? limit
        : this.#afterLine > start
          ? this.#afterLine
          : this.#boundary(bytes, base, limit)
      this.#starts.push(end)
    }
  }

  /** The beginning of each part, and the end of the last. */
  end(): readonly number[] {
    return [...this.#starts, this.#written]
  }

  #look(bytes: Uint8Array, base: number, until: number): void {
    if (!this.#isText || until <= base) return
    const line = bytes.lastIndexOf(newline, until - base - 1)
    if (line !== -1) this.#afterLine = Math.max(this.#afterLine, base + line + 1)
    if (until !== this.#written) return
    // What of a character's bytes comes with the next piece belongs to the character that began here.
    for (let at = bytes.length - 1; at >= Math.max(0, bytes.length - 4); at -= 1) {
      if (!isContinuation(bytes[at])) {
        this.#character = base + at
        return
      }
    }
  }

  /** The beginning of the character that stands at the limit. */
  #boundary(bytes: Uint8Array, base: number, limit: number): number {
    let at = limit
    while (at > base && limit - at < 4 && isContinuation(bytes[at - base])) at -= 1
    if (at > base || !isContinuation(bytes[0])) return limit - at < 4 ? at : limit
    return limit - this.#character < 4 ? this.#character : limit
  }
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80
}

/** What cleaning takes out of a text. The list is closed: no other kind is ever reported. */
export const REMOVED_KINDS = [
  'ansi',
  'control',
  'bidi',
  'zero-width',
  'invisible',
  'tag',
  'variation-selector',
  'combining',
  'private-use',
  'unassigned',
  'surrogate',
] as const

export type RemovedKind = (typeof REMOVED_KINDS)[number]

/**
 * How much of one kind was removed or replaced. `ansi` counts escape sequences, every other kind counts characters
 * (code points).
 *
 * - `ansi`: escape sequences of a terminal (ECMA-48), whole or unfinished
 * - `control`: C0 and C1 controls; lone carriage returns and U+2028/2029, which become line feeds
 * - `bidi`: directional embeddings, overrides, isolates and marks
 * - `zero-width`: joiners, zero-width spaces, word joiners, byte order marks, soft hyphens, grapheme joiners
 * - `invisible`: blank fillers, invisible operators, annotation and layout controls of single scripts
 * - `tag`: U+E0000-E007F outside the flag of a region
 * - `variation-selector`: selectors in runs, or after a character that has no such variant
 * - `combining`: marks beyond the tenth on one base
 * - `private-use`: characters without an agreed meaning
 * - `unassigned`: noncharacters and planes that Unicode does not use
 * - `surrogate`: halves of a pair, which become U+FFFD
 */
export interface RemovedText {
  readonly kind: RemovedKind
  readonly count: number
}

/** The one list that says that nothing was removed; compare with `===` or by its length. */
export const NOTHING_REMOVED: readonly RemovedText[] = Object.freeze([])

/** Counts what is removed while one text, or one value with many texts, is cleaned. */
export class RemovalTally {
  readonly #counts = new Map<RemovedKind, number>()

  add(kind: RemovedKind, count = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count)
  }

  addAll(removed: readonly RemovedText[]): void {
    for (const { kind, count } of removed) this.add(kind, count)
  }

  /** In the order of `REMOVED_KINDS`, each kind once; `NOTHING_REMOVED` when nothing was counted. */
  list(): readonly RemovedText[] {
    if (this.#counts.size === 0) return NOTHING_REMOVED
    return REMOVED_KINDS.flatMap((kind) => {
      const count = this.#counts.get(kind)
      return count === undefined ? [] : [{ kind, count }]
    })
  }
}

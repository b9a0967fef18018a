/** What the texts of a column are like, by their places in the list of different ones. */
export interface TextSummary {
  /** Rows that have a text. */
  readonly count: number
  /** The most frequent, and of equals what came first. */
  readonly top: readonly { readonly code: number; readonly count: number }[]
}

export const mostTop = 10

/** @param codes places from 0; what is below has no text that was kept, and -1 none at all */
export function summarizeTexts(codes: Int32Array): TextSummary {
  let last = -1
  for (const code of codes) if (code > last) last = code
  const counts = new Uint32Array(last + 1)
  let count = 0
  for (const code of codes) {
    if (code !== -1) count += 1
    if (code >= 0) counts[code] = (counts[code] ?? 0) + 1
  }
  const ranked = Array.from(counts.keys()).sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a - b)
  return { count, top: ranked.slice(0, mostTop).map((code) => ({ code, count: counts[code] ?? 0 })) }
}

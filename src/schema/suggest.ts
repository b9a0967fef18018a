const MAX_LENGTH = 60
const MAX_CANDIDATES = 500

/**
 * The known name that was probably meant: the same but for case and separators, or at most two edits away (one for
 * names of four characters and less; a swap of neighbours is one edit). Undefined when nothing is near, or when the
 * name is over 60 characters.
 */
export function suggest(name: string, known: readonly string[]): string | undefined {
  if (name.length === 0 || name.length > MAX_LENGTH) return undefined
  const bare = plain(name)
  let best: string | undefined
  let bestDistance = name.length <= 4 ? 2 : 3
  for (const candidate of known.slice(0, MAX_CANDIDATES)) {
    if (candidate.length > MAX_LENGTH || candidate === name) continue
    const other = plain(candidate)
    if (other === bare) return candidate
    if (Math.abs(other.length - bare.length) >= bestDistance) continue
    const distance = edits(bare, other)
    if (distance < bestDistance && distance < Math.max(bare.length, other.length) / 2) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[-_\s]/g, '')
}

/** Optimal string alignment distance, three rows. */
function edits(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (before[j - 2] ?? 0) + 1)
      }
      row.push(least)
    }
    before = above
    above = row
  }
  return above[b.length] ?? 0
}

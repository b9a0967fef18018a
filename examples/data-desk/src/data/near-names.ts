/** Edit distance between two short strings, by the two-row dynamic programme. */
export function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(change, (previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    previous = row
  }
  return previous[b.length] ?? 0
}

/** Up to `limit` (default 3) known names close to what was asked for: containing it, or a few letters away. */
export function nearNames(asked: string, names: Iterable<string>, limit = 3): string[] {
  const wanted = asked.trim().toLowerCase().slice(0, 64)
  if (wanted === '') return []
  const scored: [number, string][] = []
  for (const name of names) {
    const plain = name.toLowerCase().slice(0, 64)
    const contained = plain.includes(wanted) || (plain.length > 2 && wanted.includes(plain))
    const score = contained ? 0.5 + Math.abs(plain.length - wanted.length) / 100 : distance(wanted, plain)
    if (contained || score <= Math.max(2, Math.floor(wanted.length / 3))) scored.push([score, name])
  }
  return scored
    .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
    .slice(0, limit)
    .map(([, name]) => name)
}

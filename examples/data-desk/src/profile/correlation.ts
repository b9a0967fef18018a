/**
 * Pearson's correlation of two columns over the rows where both have a value. Undefined with fewer than three such rows, or when one
 * of the columns does not vary in them.
 */
export function correlation(
  left: Float64Array,
  right: Float64Array,
): { readonly r: number; readonly rows: number } | undefined {
  let rows = 0
  let leftMean = 0
  let rightMean = 0
  let leftSquares = 0
  let rightSquares = 0
  let products = 0
  // Welford's recurrences: sums of squares of large values would lose their digits.
  for (let row = 0; row < left.length; row += 1) {
    const x = left[row] ?? Number.NaN
    const y = right[row] ?? Number.NaN
    if (Number.isNaN(x) || Number.isNaN(y)) continue
    rows += 1
    const dx = x - leftMean
    leftMean += dx / rows
    const dy = y - rightMean
    rightMean += dy / rows
    leftSquares += dx * (x - leftMean)
    rightSquares += dy * (y - rightMean)
    products += dx * (y - rightMean)
  }
  const r = products / (Math.sqrt(leftSquares) * Math.sqrt(rightSquares))
  return rows < 3 || !Number.isFinite(r) ? undefined : { r: Math.max(-1, Math.min(1, r)), rows }
}

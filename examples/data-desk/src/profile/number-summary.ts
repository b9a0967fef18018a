/** What the numbers of a column are like; those that are missing are NaN and left out. */
export interface NumberSummary {
  /** How many there are. */
  readonly count: number
  readonly mean: number
  /** Of the sample (n - 1); 0 of a single value. */
  readonly stddev: number
  /** The values that {@link quantileShares} of all are below, between neighbours in proportion (type 7 of Hyndman and Fan). */
  readonly quantiles: readonly number[]
  readonly histogram: Histogram
}

/** Bins of one width. `edges` has one more than `counts`; a bin has its lower edge, the last both. */
export interface Histogram {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
}

export const quantileShares = [0.05, 0.25, 0.5, 0.75, 0.95] as const

const mostBins = 20

/** Undefined where there is no value. */
export function summarizeNumbers(values: Float64Array): NumberSummary | undefined {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort()
  const count = sorted.length
  if (count === 0) return undefined
  const mean = meanOf(sorted)
  let squares = 0
  for (const value of sorted) squares += (value - mean) ** 2
  return {
    count,
    mean,
    stddev: count === 1 ? 0 : Math.sqrt(squares / (count - 1)),
    quantiles: quantileShares.map((share) => quantile(sorted, share)),
    histogram: histogramOf(sorted),
  }
}

/** Does not overflow where the sum would. */
function meanOf(values: Float64Array): number {
  let mean = 0
  let count = 0
  for (const value of values) {
    count += 1
    mean += value / count - mean / count
  }
  return mean
}

function quantile(sorted: Float64Array, share: number): number {
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

function histogramOf(sorted: Float64Array): Histogram {
  const least = sorted[0] ?? Number.NaN
  const most = sorted[sorted.length - 1] ?? Number.NaN
  if (least === most) return { edges: [least, most], counts: [sorted.length] }
  const width = (most - least) / mostBins
  // A span beyond what a double holds, or one too small to be divided, is one bin.
  if (!Number.isFinite(width) || least + width === least)
    return { edges: [least, most], counts: [sorted.length] }
  const counts = new Array<number>(mostBins).fill(0)
  for (const value of sorted) {
    const bin = Math.min(mostBins - 1, Math.floor((value - least) / width))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  const edges = Array.from({ length: mostBins + 1 }, (_, edge) =>
    edge === mostBins ? most : Math.min(most, least + edge * width),
  )
  return { edges, counts }
}

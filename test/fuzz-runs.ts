/** How many runs a property gets: `base`, times FUZZ_SCALE of the environment where a long run is wanted. */
export function fuzzRuns(base: number): number {
  const scale = Number(process.env['FUZZ_SCALE'] ?? 1)
  return Math.max(1, Math.round(base * (Number.isFinite(scale) ? scale : 1)))
}

import type { DeskReader } from './data/desk-reader.js'

/** Dataset names that begin as typed, then those that contain it. */
export function namesFor(desk: DeskReader, typed: string): string[] {
  const wanted = typed.toLowerCase()
  const names = [...desk.datasets.keys()]
  const begins = names.filter((name) => name.startsWith(wanted))
  return [...begins, ...names.filter((name) => !name.startsWith(wanted) && name.includes(wanted))]
}

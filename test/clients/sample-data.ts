import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The rows of `cities`, as query-dataset gives them. */
export const cities = [
  { name: 'Bergen', country: 'Norway', people: 291_940 },
  { name: 'Łódź', country: 'Poland', people: 670_642 },
  { name: 'Kyoto', country: 'Japan', people: 1_463_723 },
] as const

/** Keeps a connection busy for minutes: 10^15 combinations that no plan can shorten. */
export const endlessSql =
  'SELECT sum(a.n * b.n % 7 + c.n * d.n % 5 + e.n) AS total FROM numbers a, numbers b, numbers c, numbers d, numbers e'

export interface SampleData {
  readonly directory: string
  remove(): Promise<void>
}

/** A folder with two small tables, `cities` and `numbers` (n from 1 to 1000), and a file that is none. */
export async function sampleData(): Promise<SampleData> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-clients-'))
  const lines = cities.map(({ name, country, people }) => `${name},${country},${people}`)
  await writeFile(join(directory, 'cities.csv'), `name,country,people\n${lines.join('\n')}\n`)
  const numbers = Array.from({ length: 1000 }, (_, index) => index + 1)
  await writeFile(join(directory, 'numbers.csv'), `n\n${numbers.join('\n')}\n`)
  await writeFile(join(directory, 'notes.txt'), 'not a table\n')
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) }
}

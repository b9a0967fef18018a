import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectDesk } from './desk-cells.js'
import type { DeskClient } from './desk-client.js'

// All the bundled data, three million flights among it, as a newcomer gets it.
describe.each([
  ['v1', '2025-11-25'],
  ['v2', '2026-07-28'],
] as const)('%s, stdio, %s, the bundled data', (which, revision) => {
  let client: DeskClient

  beforeAll(async () => {
    client = await connectDesk(which, 'stdio', { url: '', server: { connect: unused }, args: [] }, revision)
  })
  afterAll(() => client.close())

  it('is all there', async () => {
    const { datasets } = (await client.call('list-datasets')).structured as {
      datasets: { name: string; rows: number }[]
    }
    expect(datasets.length).toBeGreaterThan(40)
    const rows = Object.fromEntries(datasets.map((dataset) => [dataset.name, dataset.rows]))
    expect(rows).toMatchObject({ flights: 3_000_000, airports: 3376, people: 9, movies: 3201 })
  })

  it('is joined and counted', async () => {
    const answer = await client.call('query-dataset', {
      sql: `SELECT a.state, count(*) AS flights FROM flights f JOIN airports a ON a.iata = f.origin
            GROUP BY a.state ORDER BY flights DESC`,
      limit: 3,
    })
    expect(answer).toMatchObject({ isError: false, structured: { rowCount: 3, truncated: true } })
    const { rows } = answer.structured as { rows: { flights: number }[] }
    expect(rows[0]?.flights).toBeGreaterThan(100_000)
  })

  it('is described, the largest table too', async () => {
    const { structured } = await client.call('describe-dataset', { name: 'flights' })
    expect(structured).toMatchObject({ rows: 3_000_000, sample: [{}, {}, {}] })
  })
})

function unused(): never {
  throw new Error('These cells speak over stdio only.')
}

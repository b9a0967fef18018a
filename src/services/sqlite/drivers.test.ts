import { expect, it, vi } from 'vitest'
import { connect } from './drivers.js'

/** As node:sqlite is in Node 22.16: it names all columns, and gives rows as objects, which have each name once. */
vi.mock('node:sqlite', () => ({
  DatabaseSync: class {
    prepare(text: string) {
      const rows = text.startsWith('SELECT 1 AS id') ? [{ id: 2n, name: 'two' }] : []
      return {
        setReadBigInts() {},
        columns: () => [{ name: 'id' }, { name: 'id' }, { name: 'name' }],
        iterate: () => rows[Symbol.iterator](),
      }
    }
    close() {}
  },
}))

it('a driver that gives rows as objects is asked for no columns that those do not have', async () => {
  const connection = await connect({
    file: 'x.db',
    drivers: ['node'],
    writes: false,
    busyMs: 1,
    heapBytes: 1,
  })
  const running = connection.run({
    text: "SELECT 1 AS id, 2 AS id, 'two' AS name",
    values: [],
    command: 'SELECT',
  })
  expect([running.columns, running.next()]).toEqual([
    ['id', 'name'],
    [2n, 'two'],
  ])
})

import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open } from '../protocol/support.js'
import { fullServer } from './full-server.js'

describe.each(cells({ transports: ['stdio', 'http'] }))('$name', (cell) => {
  it('limits how fast values are asked for, so that nobody reads a table letter by letter (CMP-04)', async () => {
    const client = await open(cell, fullServer())
    const ref = { type: 'ref/resource', uri: 'app://rows/{id}' }
    const asked = Array.from({ length: 500 }, (_, n) =>
      client.complete(ref, { name: 'id', value: String(n) }).then(
        () => 'answered',
        () => 'refused',
      ),
    )
    const outcomes = await Promise.all(asked)
    expect(outcomes).toContain('answered')
    expect(outcomes).toContain('refused')
  })
})

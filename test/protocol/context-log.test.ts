import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, testServer } from './support.js'

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('what a handler logs says which call it was, and carries the id that a masked error shows', async () => {
    const { server, logged } = testServer()
    server.tool('fails', { description: 'Logs, then fails.' }, (_args, ctx) => {
      ctx.log.info('Looking.', { table: 'orders' })
      throw new Error('connection refused')
    })
    const client = await open(cell, server)
    const result = await client.callTool('fails')
    const { data } = (result as { _meta?: Record<string, { data: { correlationId: string } }> })._meta?.[
      'dev.holdfast/error'
    ] ?? { data: { correlationId: 'none' } }
    const own = logged.find(({ message }) => message === 'Looking.')
    expect(own?.fields).toEqual({
      table: 'orders',
      method: 'tools/call',
      name: 'fails',
      correlationId: data.correlationId,
    })
    const fault = logged.find(({ level }) => level === 'error')
    expect(fault?.fields['correlationId']).toBe(data.correlationId)
  })
})

import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { gate, open, testServer, textOf } from './support.js'

describe.each(cells({ revisions: ['2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('close waits for a call that finishes in time', async () => {
    const { server } = testServer()
    const { opened, open: finish } = gate<string>()
    const begun = gate()
    server.tool('slow', { description: 'Waits.' }, () => {
      begun.open()
      return opened
    })
    const client = await open(cell, server)
    const answer = client.callTool('slow')
    await begun.opened
    const closed = server.close({ timeoutMs: 2000 })
    finish('finished')
    expect(textOf(await answer)).toBe('finished')
    await closed
  })

  it('close tells calls that do not finish, and never waits longer for what does not listen', async () => {
    const { server } = testServer()
    const begun = gate()
    server.tool('stuck', { description: 'Never settles.' }, () => {
      begun.open()
      return new Promise<string>(() => undefined)
    })
    const client = await open(cell, server)
    const answer = client.callTool('stuck')
    await begun.opened
    const before = performance.now()
    await server.close({ timeoutMs: 100 })
    expect(performance.now() - before).toBeLessThan(2000)
    const result = await answer
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain('shutting down')
  })

  it('close is not held by a template whose list never settles', async () => {
    const { server } = testServer()
    const begun = gate()
    server.resource(
      'stuck',
      {
        uriTemplate: 'x://{id}',
        description: 'Never lists.',
        list: () => {
          begun.open()
          return new Promise<never>(() => undefined)
        },
      },
      () => 'x',
    )
    const client = await open(cell, server)
    const answer = client.request('resources/list').catch((error: unknown) => error)
    await begun.opened
    const before = performance.now()
    await server.close({ timeoutMs: 100 })
    expect(performance.now() - before).toBeLessThan(2000)
    expect(await answer).toMatchObject({ code: -32603 })
  })
})

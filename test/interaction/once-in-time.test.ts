import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { gate, open, testServer, textOf } from '../protocol/support.js'
import { ableClient, asked, codeOf, fillsIn, nameForm, replayCells, round } from './support.js'

// A question waits for work that must happen once, so that work is where a call can be held up.

describe.each(replayCells)('$name', (cell) => {
  it('work that never ends does not hold a call beyond its own timeout', async () => {
    const { server } = testServer({ timeout: '60s' })
    server.tool('ask', { description: 'Asks.', timeout: 100 }, async (_args, ctx) => {
      const never = ctx.once('never', () => new Promise<string>(() => undefined))
      return JSON.stringify(await Promise.all([never, ctx.elicit(nameForm)]))
    })
    const client = await open(cell, server, { capabilities: ableClient })
    const result = await round(client, 'ask', {}, {}, { signal: AbortSignal.timeout(3000) })
    expect([codeOf(result), server.stats().counters.timedOut]).toEqual(['timed_out', 1])
  })

  it('work that never ends does not hold a call whose handler still waits for it', async () => {
    const { server } = testServer({ timeout: '60s' })
    server.tool('ask', { description: 'Asks.', timeout: 100 }, async (_args, ctx) => {
      const never = ctx.once('never', () => new Promise<string>(() => undefined))
      return JSON.stringify(await Promise.allSettled([never, ctx.elicit(nameForm)]))
    })
    const client = await open(cell, server, { capabilities: ableClient })
    const result = await round(client, 'ask', {}, {}, { signal: AbortSignal.timeout(3000) })
    expect(codeOf(result)).toBe('timed_out')
    expect(server.stats().counters.timedOut).toBe(1)
  })

  it('work may take as long as its tool may, also beyond what other tools have', async () => {
    const { server } = testServer({ timeout: 100 })
    let runs = 0
    server.tool('ask', { description: 'Asks.', timeout: '10s' }, async (_args, ctx) => {
      const slow = ctx.once('slow', async () => {
        runs += 1
        await sleep(300)
        return 'done'
      })
      const [done] = await Promise.all([slow, ctx.elicit(nameForm)])
      return done
    })
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    expect([textOf(await client.callTool('ask')), runs]).toEqual(['done', 1])
  })

  it('a client that cancels while work goes on is not answered, and the work is told', async () => {
    const begun = gate()
    const over = gate<unknown>()
    const { client, server } = await asked(cell, async (ctx) => {
      const slow = ctx.once('slow', () => {
        begun.open()
        return new Promise<never>((_resolve, reject) => {
          ctx.signal.addEventListener('abort', () => {
            over.open(ctx.signal.reason)
            reject(ctx.signal.reason as Error)
          })
        })
      })
      return JSON.stringify(await Promise.all([slow, ctx.elicit(nameForm)]))
    })
    const cancel = new AbortController()
    const call = round(client, 'ask', {}, {}, { signal: cancel.signal })
    call.catch(() => undefined)
    await begun.opened
    cancel.abort(new Error('enough'))
    expect(await over.opened).toMatchObject({ name: 'AbortError' })
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    expect(client.received.filter((message) => JSON.stringify(message).includes('inputRequests'))).toEqual([])
  })

  it('a server that closes while work goes on says so, and not that time ran out', async () => {
    const begun = gate()
    const { client, server } = await asked(cell, async (ctx) => {
      const never = ctx.once('never', () => {
        begun.open()
        return new Promise<string>(() => undefined)
      })
      return JSON.stringify(await Promise.all([never, ctx.elicit(nameForm)]))
    })
    const call = round(client, 'ask')
    await begun.opened
    const closed = server.close({ timeoutMs: 20 })
    expect(codeOf(await call)).toBe('shutting_down')
    await closed
  })
})

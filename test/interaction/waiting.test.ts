import { setImmediate as nextTurn } from 'node:timers/promises'
import { cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate, handClock, open, textOf } from '../protocol/support.js'
import { ableClient, accept, asked, byRequest, codeOf, nameForm, requestCells, waiting } from './support.js'

const isQuestion = (message: unknown): boolean => JSON.stringify(message).includes('elicitation/create')
const never = { 'elicitation/create': () => new Promise(() => undefined) }

/** Where a call is told that its client asked for nothing more. */
const cancelledIds = (client: TestClient): unknown[] =>
  client.notifications
    .filter(({ method }) => method === 'notifications/cancelled')
    .map(({ params }) => params['requestId'])

describe.each(requestCells)('$name', (cell) => {
  it('the deadline is put off by the time in which the client is asked, and by no more', async () => {
    const clock = handClock()
    const answer = gate<object>()
    const answered = gate()
    const remaining: number[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        remaining.push(ctx.remaining())
        await ctx.elicit(nameForm)
        remaining.push(ctx.remaining())
        answered.open()
        return new Promise(() => undefined)
      },
      { server: { clock, timeout: '10s' }, answers: { 'elicitation/create': () => answer.opened } },
    )
    const call = client.callTool('ask')
    await client.waitFor(isQuestion)
    for (let minutes = 0; minutes < 5; minutes += 1) clock.advance(60_000)
    answer.open(accept({ name: 'Ada' }))
    await answered.opened
    expect(remaining).toEqual([10_000, 10_000])
    for (let seconds = 0; seconds < 9; seconds += 1) clock.advance(1000)
    const early = await Promise.race([call, nextTurn('still at work')])
    expect(early).toBe('still at work')
    for (let seconds = 0; seconds < 3; seconds += 1) clock.advance(1000)
    expect(codeOf(await call)).toBe('timed_out')
  })

  it('ELI-08 a client that never answers ends its call after ten minutes, and is told', async () => {
    const clock = handClock()
    const { client, server } = await asked(cell, async (ctx) => (await ctx.elicit(nameForm)).action, {
      server: { clock },
      answers: never,
    })
    const call = client.callTool('ask')
    await client.waitFor(isQuestion)
    clock.advance(10 * 60_000 - 1)
    expect(waiting(server, 'questions')).toEqual([1])
    clock.advance(1)
    const result = await call
    expect([codeOf(result), waiting(server, 'questions')]).toEqual(['unanswered', [0]])
    expect(textOf(result)).toContain('did not answer within 10 minutes')
    expect(cancelledIds(client)).toEqual(client.serverRequests.map(({ id }) => id))
  })

  it('a call that is cancelled while it waits ends, and its question is taken back', async () => {
    const over = gate<unknown>()
    const { client, server } = await asked(
      cell,
      (ctx) =>
        ctx.elicit(nameForm).catch((error: unknown) => {
          over.open(error)
          throw error
        }),
      { answers: never },
    )
    const cancel = new AbortController()
    const call = client.callTool('ask', {}, { signal: cancel.signal })
    call.catch(() => undefined)
    await client.waitFor(isQuestion)
    cancel.abort(new Error('enough'))
    expect(await over.opened).toMatchObject({ name: 'AbortError' })
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    expect(waiting(server, 'questions')).toEqual([0])
    await expect.poll(() => cancelledIds(client)).toEqual(client.serverRequests.map(({ id }) => id))
    expect(client.received.filter((message) => JSON.stringify(message).includes('"content"'))).toEqual([])
  })

  it('after a cancel nothing more is asked', async () => {
    const over = gate<unknown>()
    const { client } = await asked(
      cell,
      async (ctx) => {
        await ctx.elicit(nameForm).catch(() => undefined)
        over.open(await ctx.elicit(nameForm).catch((error: unknown) => error))
      },
      { answers: never },
    )
    const cancel = new AbortController()
    client.callTool('ask', {}, { signal: cancel.signal }).catch(() => undefined)
    await client.waitFor(isQuestion)
    cancel.abort(new Error('enough'))
    expect(await over.opened).toMatchObject({ name: 'AbortError' })
    expect(client.serverRequests).toHaveLength(1)
  })

  it('an answer that comes after a cancel is a stray response, and nothing more', async () => {
    const answer = gate<object>()
    const { client, server } = await asked(cell, async (ctx) => (await ctx.elicit(nameForm)).action, {
      answers: { 'elicitation/create': () => answer.opened },
    })
    const cancel = new AbortController()
    client.callTool('ask', {}, { signal: cancel.signal }).catch(() => undefined)
    await client.waitFor(isQuestion)
    cancel.abort(new Error('enough'))
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    answer.open(accept({ name: 'Ada' }))
    await expect.poll(() => server.stats().counters.strayResponses).toBe(1)
  })

  it('a server that closes ends what waits for an answer, and says why', async () => {
    const { client, server } = await asked(cell, async (ctx) => (await ctx.elicit(nameForm)).action, {
      answers: never,
    })
    const call = client.callTool('ask')
    await client.waitFor(isQuestion)
    const closed = server.close({ timeoutMs: 20 })
    expect(codeOf(await call)).toBe('shutting_down')
    await closed
    expect(waiting(server, 'questions').every((size) => size === 0)).toBe(true)
  })

  it('an answer counts for the client that was asked, and not from another', async () => {
    const answer = gate<object>()
    const { client, server } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)), {
      answers: { 'elicitation/create': () => answer.opened },
    })
    const stranger = await open(cell, server, { capabilities: ableClient })
    const call = client.callTool('ask')
    await client.waitFor(isQuestion)
    const [{ id } = { id: '' }] = client.serverRequests
    await stranger.post(JSON.stringify({ jsonrpc: '2.0', id, result: accept({ name: 'Mallory' }) }))
    if (cell.transport !== 'http') {
      await expect.poll(() => server.stats().counters.strayResponses).toBe(1)
    }
    answer.open(accept({ name: 'Ada' }))
    expect(textOf(await call)).toContain('Ada')
  })

  it('many questions of one call wait at the same time, without a warning', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error): number => warnings.push(warning)
    process.on('warning', warned)
    onTestFinished(() => void process.off('warning', warned))
    const { client } = await asked(
      cell,
      async (ctx) => {
        const questions = Array.from({ length: 50 }, (_, at) =>
          ctx.elicit({ ...nameForm, message: `Question ${at}` }),
        )
        return String((await Promise.all(questions)).length)
      },
      { answers: { 'elicitation/create': () => accept({ name: 'Ada' }) } },
    )
    expect(textOf(await client.callTool('ask'))).toBe('50')
    await nextTurn()
    expect(warnings).toEqual([])
  })
})

describe.each(cells({ transports: ['memory', 'stdio'], revisions: byRequest }))('$name', (cell) => {
  it('a client that leaves ends what waits for it', async () => {
    const over = gate<unknown>()
    const { client, server } = await asked(
      cell,
      (ctx) => ctx.elicit(nameForm).finally(() => over.open(ctx.signal.reason)),
      { answers: never },
    )
    client.callTool('ask').catch(() => undefined)
    await client.waitFor(isQuestion)
    await client.close()
    expect(await over.opened).toMatchObject({ name: 'AbortError' })
    await expect.poll(() => waiting(server, 'questions')).toEqual([])
  })

  it('no more than 1,000 questions wait on one connection, and the stats say so', async () => {
    const { client, server } = await asked(
      cell,
      async (ctx) => {
        const all = Array.from({ length: 1001 }, () => ctx.elicit(nameForm))
        const first = await Promise.race(all.map((one) => one.catch((error: unknown) => error)))
        throw first
      },
      { answers: never },
    )
    expect(codeOf(await client.callTool('ask'))).toBe('overloaded')
    const table = server.stats().bounded.find(({ name }) => name.startsWith('questions'))
    expect(table).toMatchObject({ limit: 1000, dropped: 1 })
  })
})

describe.each(cells({ transports: ['http'], revisions: byRequest }))('$name', (cell) => {
  it('a client that takes no stream cannot be asked, and is told what it lacks', async () => {
    const { client } = await asked(cell, async (ctx) => (await ctx.elicit(nameForm)).action)
    const result = await client.callTool('ask', {}, { headers: { accept: 'application/json' } })
    expect(codeOf(result)).toBe('client_unreachable')
    expect(textOf(result)).toContain('text/event-stream')
  })

  it('a session that is ended ends what waits in it', async () => {
    const over = gate<unknown>()
    const { client, server } = await asked(
      cell,
      (ctx) => ctx.elicit(nameForm).finally(() => over.open('over')),
      { answers: never },
    )
    const call = client.callTool('ask')
    call.catch(() => undefined)
    await client.waitFor(isQuestion)
    const headers = { 'mcp-session-id': client.session ?? '' }
    expect((await fetch(client.url ?? '', { method: 'DELETE', headers })).ok).toBe(true)
    await expect.poll(() => waiting(server, 'questions'), { timeout: 2000 }).toEqual([0])
    expect(await over.opened).toBe('over')
  })
})

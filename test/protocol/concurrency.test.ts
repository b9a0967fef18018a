import type { ServerOptions } from 'holdfast'
import { cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { byHeader, gate, handClock, open, refused, testServer, textOf } from './support.js'

type TestServer = ReturnType<typeof testServer>['server']

interface ErrorFields {
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number
  readonly data: { readonly queued: number; readonly limit: number }
}

async function errorOf(call: ReturnType<TestClient['callTool']>): Promise<ErrorFields | undefined> {
  return (await call)._meta?.['dev.holdfast/error'] as ErrorFields | undefined
}

/** A tool whose calls stay until they are let go, one by one, in the order in which they began. */
function heldTool(server: TestServer, name: string, options: Parameters<TestServer['tool']>[1]) {
  const began: string[] = []
  const ends: (() => void)[] = []
  const input = { type: 'object', properties: { id: { type: 'string' } } } as const
  server.tool(name, { ...options, input }, async ({ id }) => {
    began.push(id ?? '')
    const { opened, open } = gate()
    ends.push(open)
    await opened
    return `${id}`
  })
  return { began, next: () => ends.shift()?.() }
}

function sizesOf(server: TestServer, what: string): readonly number[] {
  const lines = server.stats().bounded.filter(({ name }) => name.startsWith(what))
  return lines.map(({ size }) => size)
}

const newestInMemory = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
const httpCells = cells({ transports: ['http'], revisions: ['2025-11-25', '2026-07-28'] })
const [cell] = newestInMemory
if (cell === undefined) throw new Error('There is no such cell.')

describe.each(cells())('$name', (everyCell) => {
  it('runs as many at once as may, the next in order, and refuses at once who finds the queue full', async () => {
    const { server } = testServer()
    const { began, next } = heldTool(server, 'work', {
      description: 'Works.',
      concurrency: { limit: 2, queue: 1 },
    })
    const client = await open(everyCell, server)
    const calls = ['a', 'b', 'c'].map((id) => client.callTool('work', { id }))
    await expect.poll(() => sizesOf(server, 'waiting calls (tool work)')).toEqual([1])
    const refusal = await client.callTool('work', { id: 'd' })
    expect(refusal.isError).toBe(true)
    expect(refusal._meta?.['dev.holdfast/error']).toMatchObject({
      code: 'overloaded',
      retryable: true,
      retryAfterMs: expect.any(Number) as number,
      data: { queued: 1, limit: 2 },
    })
    expect(textOf(refusal)).toMatch(
      /^"work" was not begun because it runs 2 at once and 1 wait already\. .* Try again in \d+ s\.$/,
    )
    expect(began).toHaveLength(2)
    next()
    await expect.poll(() => began).toHaveLength(3)
    next()
    next()
    expect((await Promise.all(calls)).map(textOf)).toEqual(['a', 'b', 'c'])
    expect(sizesOf(server, 'running calls (tool work)')).toEqual([0])
  })

  it('a prompt and a resource refuse with a JSON-RPC error that says the same', async () => {
    const { server } = testServer()
    const { opened, open: letGo } = gate()
    const concurrency = { limit: 1, queue: 0 } as const
    const held = async (): Promise<string> => {
      await opened
      return 'done'
    }
    server.prompt('greet', { description: 'Greets.', concurrency }, held)
    server.resource('config', { uri: 'app://config', description: 'Settings.', concurrency }, held)
    const client = await open(everyCell, server)
    const asks = [
      () => client.request('prompts/get', { name: 'greet' }),
      () => client.request('resources/read', { uri: 'app://config' }),
    ]
    const first = asks.map((ask) => ask())
    await expect.poll(() => sizesOf(server, 'running calls')).toEqual([1, 1])
    for (const ask of asks) {
      expect(await refused(ask())).toMatchObject({
        code: -32603,
        data: { code: 'overloaded', data: { limit: 1 } },
      })
    }
    letGo()
    await Promise.all(first)
  })
})

describe('a slot', () => {
  it.each(['returns', 'throws', 'returns later', 'throws later'])(
    'is free again when the work %s',
    async (how) => {
      const { server } = testServer()
      server.tool('work', { description: 'Works.', concurrency: { limit: 1, queue: 0 } }, () => {
        if (how === 'throws') throw new Error('no')
        if (how === 'returns') return 'done'
        return how === 'throws later' ? Promise.reject(new Error('no')) : Promise.resolve('done')
      })
      const client = await open(cell, server)
      for (let n = 0; n < 5; n += 1) {
        expect((await errorOf(client.callTool('work')))?.code).toBe(
          how.startsWith('throws') ? 'internal' : undefined,
        )
      }
      expect(sizesOf(server, 'running calls')).toEqual([0])
    },
  )

  it.each(cells())(
    '$name: is free again when a call is cancelled, running or waiting, as often as that is',
    async (everyCell) => {
      const { server } = testServer()
      // Ten thousand times once; the transports do not know of slots.
      const times = everyCell.name === 'memory, 2026-07-28' ? 10_000 : 300
      let running = 0
      let most = 0
      server.tool(
        'work',
        { description: 'Works.', concurrency: { limit: 3, queue: 5000 } },
        async (_args, ctx) => {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve, { once: true }))
          running -= 1
          return 'done'
        },
      )
      server.tool('quick', { description: 'Quick.' }, () => 'quick')
      const client = await open(everyCell, server)
      const batch = 100
      for (let n = 0; n < times; n += batch) {
        const controllers = Array.from({ length: batch }, () => new AbortController())
        const calls = controllers.map(({ signal }) =>
          client.callTool('work', {}, { signal }).catch(() => undefined),
        )
        if (n % 1000 === 0) await expect.poll(() => sizesOf(server, 'running calls')).toEqual([3])
        for (const controller of controllers) controller.abort()
        await Promise.all(calls)
        await expect
          .poll(() => [sizesOf(server, 'running calls'), sizesOf(server, 'waiting calls')])
          .toEqual([[0], [0]])
      }
      expect(most).toBeLessThanOrEqual(3)
      expect(running).toBe(0)
      expect(textOf(await client.callTool('quick'))).toBe('quick')
      const { bounded } = server.stats()
      expect(bounded.find(({ name }) => name.startsWith('handlers that go on'))?.size).toBe(0)
    },
    60_000,
  )

  it('is free again at the deadline, also where the handler goes on, and no call begins after its own', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    const { began } = heldTool(server, 'work', {
      description: 'Works.',
      timeout: '1s',
      concurrency: { limit: 1, queue: 5 },
    })
    const client = await open(cell, server)
    const first = client.callTool('work', { id: 'a' })
    await expect.poll(() => began).toEqual(['a'])
    clock.advance(400)
    const second = client.callTool('work', { id: 'b' })
    await expect.poll(() => sizesOf(server, 'waiting calls')).toEqual([1])
    for (let n = 0; n < 40; n += 1) clock.advance(20)
    expect((await errorOf(first))?.code).toBe('timed_out')
    // Of the second's second 400 ms are left, and its kind takes a second: it is refused, not begun.
    const refusal = await errorOf(second)
    expect(refusal).toMatchObject({ code: 'overloaded', retryable: true })
    expect(began).toEqual(['a'])
    expect(sizesOf(server, 'running calls')).toEqual([0])
  })

  it('is free again when a client leaves', async () => {
    const { server } = testServer()
    const { began } = heldTool(server, 'work', { description: 'Works.', concurrency: { limit: 1, queue: 5 } })
    const leaver = await open(cell, server)
    const stayer = await open(cell, server)
    const gone = [leaver.callTool('work', { id: 'a' }), leaver.callTool('work', { id: 'b' })]
    for (const call of gone) call.catch(() => undefined)
    await expect.poll(() => began).toEqual(['a'])
    const stays = stayer.callTool('work', { id: 'c' })
    stays.catch(() => undefined)
    await expect.poll(() => sizesOf(server, 'waiting calls')).toEqual([2])
    await leaver.close()
    await expect.poll(() => began).toEqual(['a', 'c'])
  })
})

describe('the limits of a server', () => {
  async function filled(options: Partial<ServerOptions>) {
    const { server } = testServer(options)
    const slow = heldTool(server, 'slow', { description: 'Slow.', concurrency: { limit: 1, queue: 10 } })
    const other = heldTool(server, 'other', { description: 'Other.' })
    return { server, slow, other, client: await open(cell as (typeof httpCells)[number], server) }
  }

  it('count over all definitions, and a full queue of one of them takes no slot from the others', async () => {
    const { server, slow, other, client } = await filled({ concurrency: { server: { limit: 3, queue: 0 } } })
    const calls = ['a', 'b', 'c', 'd', 'e'].map((id) => client.callTool('slow', { id }))
    await expect.poll(() => sizesOf(server, 'waiting calls (tool slow)')).toEqual([4])
    expect(sizesOf(server, 'running calls (server)')).toEqual([1])
    const others = ['x', 'y'].map((id) => client.callTool('other', { id }))
    await expect.poll(() => other.began).toEqual(['x', 'y'])
    expect(await errorOf(client.callTool('other', { id: 'z' }))).toMatchObject({
      code: 'overloaded',
      data: { queued: 0, limit: 3 },
    })
    other.next()
    other.next()
    for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      await expect.poll(() => slow.began.length).toBe(index + 1)
      expect(slow.began.at(-1)).toBe(id)
      slow.next()
    }
    await Promise.all([...calls, ...others])
    expect(sizesOf(server, 'running calls')).toEqual([0, 0])
  })

  it.each(httpCells)(
    '$name: let each caller have so many, without taking from the next one',
    async (http) => {
      const { server } = testServer({ auth: byHeader, concurrency: { principal: { limit: 2, queue: 1 } } })
      const work = heldTool(server, 'work', { description: 'Works.' })
      const [ada, bob] = await Promise.all(
        ['ada', 'bob'].map((user) => open(http, server, { headers: { 'x-user': user } })),
      )
      if (ada === undefined || bob === undefined) throw new Error('Both are there.')
      const calls = ['a1', 'a2', 'a3'].map((id) => ada.callTool('work', { id }))
      await expect.poll(() => sizesOf(server, 'waiting calls (each caller)')).toEqual([1])
      expect(await errorOf(ada.callTool('work', { id: 'a4' }))).toMatchObject({
        code: 'overloaded',
        data: { queued: 1, limit: 2 },
      })
      calls.push(bob.callTool('work', { id: 'b1' }))
      await expect.poll(() => work.began).toContain('b1')
      expect(sizesOf(server, 'callers with calls')).toEqual([2])
      for (let n = 1; n <= calls.length; n += 1) {
        await expect.poll(() => work.began.length).toBeGreaterThanOrEqual(n)
        work.next()
      }
      await Promise.all(calls)
      // What nobody uses is not kept.
      expect(sizesOf(server, 'callers with calls')).toEqual([0])
    },
  )

  it('all three hold for one call, and all are free again after it, after a refusal and after a cancel', async () => {
    const { server } = testServer({
      concurrency: { principal: { limit: 3, queue: 10 }, server: { limit: 2, queue: 10 } },
    })
    const work = heldTool(server, 'work', { description: 'Works.', concurrency: { limit: 1, queue: 1 } })
    const client = await open(cell, server)
    const leaving = new AbortController()
    const first = client.callTool('work', { id: 'a' })
    const second = client.callTool('work', { id: 'b' }, { signal: leaving.signal }).catch(() => undefined)
    await expect.poll(() => sizesOf(server, 'waiting calls (tool work)')).toEqual([1])
    expect((await errorOf(client.callTool('work', { id: 'c' })))?.code).toBe('overloaded')
    expect(sizesOf(server, 'running calls').toSorted()).toEqual([1, 1, 2])
    leaving.abort()
    await second
    await expect.poll(() => sizesOf(server, 'running calls')).toEqual([1, 1, 1])
    work.next()
    await first
    expect(sizesOf(server, 'running calls')).toEqual([0, 0, 0])
    expect(sizesOf(server, 'waiting calls')).toEqual([0, 0, 0])
    expect(work.began).toEqual(['a'])
  })

  it('a definition that is taken away and comes again has one set of lines', async () => {
    const { server } = testServer()
    const client = await open(cell, server)
    for (let n = 0; n < 5; n += 1) {
      const made = server.tool('work', { description: 'Works.', concurrency: 1 }, () => 'done')
      await client.callTool('work')
      made.remove()
    }
    expect(sizesOf(server, 'running calls')).toEqual([0])
  })
})

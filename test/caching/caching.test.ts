import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { byHeader, gate, handClock, open, refused, testServer, textOf } from '../protocol/support.js'
import { counting, description, making, readOnly, user } from './support.js'

describe.each(cells({ revisions: ['2025-03-26', '2025-11-25', '2026-07-28'] }))('a cache, $name', (cell) => {
  it('answers calls with the same arguments once made, however their members are ordered', async () => {
    const { server, runs } = counting()
    const client = await open(cell, server)
    const first = await client.callTool('read', { id: '7', deep: { a: 1, b: [2] } })
    expect(await client.callTool('read', { deep: { b: [2], a: 1 }, id: '7' })).toEqual(first)
    await client.callTool('read', { id: '7', deep: { a: 1, b: [2, 3] } })
    await client.callTool('read', { id: '8', deep: { a: 1, b: [2] } })
    expect(runs).toEqual(['7', '7', '8'])
    expect(server.stats().counters).toMatchObject({ cacheHits: 1, cacheMisses: 3 })
  })

  it('keeps every kind of result as it was', async () => {
    const { server } = testServer()
    let runs = 0
    const add = (name: string, value: () => unknown): void => {
      server.tool(name, { description, annotations: readOnly, cache: { ttl: '1m' } }, () => {
        runs += 1
        return value()
      })
    }
    add('text', () => 'plain')
    add('object', () => ({ a: [1, null, 'x'], b: { c: true } }))
    add('list', () => [1, 2])
    add('nothing', () => undefined)
    const client = await open(cell, server)
    for (const name of ['text', 'object', 'list', 'nothing']) {
      const first = await client.callTool(name)
      expect(await client.callTool(name)).toEqual(first)
    }
    expect(runs).toBe(4)
  })

  it('serves a resource again until it changes, and tells clients for how long', async () => {
    const { server } = testServer()
    let run = 0
    const next = (): string => {
      run += 1
      return `run ${run}`
    }
    server.resource('r', { uri: 'app://r', description, cache: { ttl: '1m' } }, next)
    server.resource(
      't',
      {
        uriTemplate: 'row://{id}',
        description,
        cache: { ttl: '1m' },
        list: () => [{ uri: 'row://1', name: next() }],
      },
      ({ params }) => `${params.id} ${next()}`,
    )
    const client = await open(cell, server)
    const read = async (uri: string): Promise<unknown> => (await client.readResource(uri)).contents
    const [fixed, row] = [await read('app://r'), await read('row://1')]
    expect([await read('app://r'), await read('row://1')]).toEqual([fixed, row])
    server.resourceUpdated('row://1')
    expect(await read('app://r')).toEqual(fixed)
    expect(await read('row://1')).not.toEqual(row)
    const listed = await client.request('resources/list')
    expect((await client.request('resources/list'))['resources']).toEqual(listed['resources'])
    if (cell.stateless)
      expect(await client.readResource('app://r')).toMatchObject({ ttlMs: 60_000, cacheScope: 'private' })
  })

  it('keeps no error, whoever made it', async () => {
    const { server } = testServer()
    let runs = 0
    server.tool('fails', { description, annotations: readOnly, cache: { ttl: '1m' } }, (_args, ctx) => {
      runs += 1
      if (runs === 1) throw ctx.error('no', { message: 'No.' })
      if (runs === 2) throw new Error('Broken.')
      return 'well'
    })
    server.resource('gone', { uri: 'app://gone', description, cache: { ttl: '1m' } }, () => {
      runs += 1
      return undefined
    })
    const client = await open(cell, server)
    expect((await client.callTool('fails')).isError).toBe(true)
    expect((await client.callTool('fails')).isError).toBe(true)
    expect(textOf(await client.callTool('fails'))).toBe('well')
    expect(textOf(await client.callTool('fails'))).toBe('well')
    expect(runs).toBe(3)
    await refused(client.readResource('app://gone'))
    await refused(client.readResource('app://gone'))
    expect(runs).toBe(5)
  })

  it('lets no handler ask its client', async () => {
    const { server, logged } = testServer()
    const schema = { type: 'object', properties: { yes: { type: 'boolean' } } } as const
    server.tool('asks', { description, annotations: readOnly, cache: { ttl: '1m' } }, async (_args, ctx) => {
      const { action } = await ctx.elicit({ message: 'Go on?', schema })
      return action
    })
    const answers = { 'elicitation/create': () => ({ action: 'accept', content: { yes: true } }) }
    const client = await open(cell, server, { capabilities: { elicitation: {} }, answers })
    expect((await client.callTool('asks')).isError).toBe(true)
    expect(String(logged.at(-1)?.fields['error'])).toContain('has a cache')
  })
})

const [cell] = cells({ transports: ['http'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')

describe('a cache', () => {
  it("keeps callers' answers apart, unless it is public", async () => {
    const { server, runs } = counting({ auth: byHeader })
    const seen: string[] = []
    server.tool(
      'same',
      { description, annotations: readOnly, cache: { ttl: '1m', scope: 'public' } },
      (_args, ctx) => {
        seen.push(ctx.principal.subject)
        return 'same'
      },
    )
    for (const subject of ['alice', 'bob', 'alice', 'bob']) {
      const client = await open(cell, server, { headers: { 'x-user': subject } })
      await client.callTool('read', { id: '7' })
      await client.callTool('same')
    }
    expect(runs).toEqual(['7', '7'])
    // It is made for nobody, so that nothing of its first caller can get into it.
    expect(seen).toEqual([''])
  })

  it('1,000 calls at once of one cold key make one answer', async () => {
    const { server } = testServer()
    const begun = gate()
    let runs = 0
    server.tool('slow', { description, annotations: readOnly, cache: { ttl: '1m' } }, async () => {
      runs += 1
      await begun.opened
      return { runs }
    })
    const [memory] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
    if (memory === undefined) throw new Error('There is no such cell.')
    const client = await open(memory, server)
    const calls = Array.from({ length: 1000 }, () => client.callTool('slow'))
    await expect.poll(() => server.stats().counters.cacheMisses).toBe(1000)
    begun.open()
    const results = await Promise.all(calls)
    expect(runs).toBe(1)
    expect(new Set(results.map((result) => JSON.stringify(result.structuredContent)))).toEqual(
      new Set(['{"runs":1}']),
    )
  })

  it('who leaves takes the answer from nobody, and the last to leave ends the work', async () => {
    const { server } = testServer()
    const go = gate()
    const ends: string[] = []
    server.tool('slow', { description, annotations: readOnly, cache: { ttl: '1m' } }, async (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => ends.push('aborted'))
      await Promise.race([
        go.opened,
        new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', reject)),
      ])
      return 'made'
    })
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => open(cell, server)))
    const leaving = [new AbortController(), new AbortController()]
    const first = one?.callTool('slow', {}, { signal: leaving[0]?.signal as AbortSignal })
    const second = two?.callTool('slow', {}, { signal: leaving[1]?.signal as AbortSignal })
    const third = three?.callTool('slow')
    first?.catch(() => undefined)
    second?.catch(() => undefined)
    await expect.poll(() => server.stats().counters.cacheMisses).toBe(3)
    leaving[0]?.abort()
    await expect.poll(() => server.stats().counters.cancelled).toBe(1)
    leaving[1]?.abort()
    await expect.poll(() => server.stats().counters.cancelled).toBe(2)
    go.open()
    expect(textOf((await third) ?? { content: [] })).toBe('made')
    expect(ends).toEqual([])

    await server.invalidate('anything')
    const { server: other } = testServer()
    other.tool('slow', { description, annotations: readOnly, cache: { ttl: '1m' } }, async (_args, ctx) => {
      await new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', reject))
    })
    const alone = await open(cell, other)
    const leave = new AbortController()
    alone.callTool('slow', {}, { signal: leave.signal }).catch(() => undefined)
    await expect.poll(() => making(other)).toBe(1)
    leave.abort()
    await expect.poll(() => making(other)).toBe(0)
  })

  it('an old answer is served while a new one is made, and no longer than that', async () => {
    const clock = handClock()
    const { server } = testServer({ clock })
    let run = 0
    let fails = false
    server.tool(
      'read',
      { description, annotations: readOnly, cache: { ttl: '1m', staleWhileRevalidate: '5m' } },
      () => {
        run += 1
        if (fails) throw new Error('Away.')
        return `run ${run}`
      },
    )
    const client = await open(cell, server)
    const read = async (): Promise<string> => textOf(await client.callTool('read'))
    expect(await read()).toBe('run 1')
    clock.advance(59_999)
    expect([await read(), run]).toEqual(['run 1', 1])
    clock.advance(1)
    expect(await read()).toBe('run 1')
    await expect.poll(() => run).toBe(2)
    expect(await read()).toBe('run 2')
    fails = true
    clock.advance(60_000)
    expect(await read()).toBe('run 2')
    await expect.poll(() => run).toBe(3)
    // What failed leaves the old one in its place, until that is too old.
    expect(await read()).toBe('run 2')
    clock.advance(5 * 60_000)
    expect((await client.callTool('read')).isError).toBe(true)
  })

  it('forgets what is known by a tag, and does not keep what was made from older data', async () => {
    const { server, runs } = counting()
    const client = await open(cell, server)
    await client.callTool('read', { id: '7' })
    await client.callTool('read', { id: '8' })
    await server.invalidate('order:7')
    await client.callTool('read', { id: '7' })
    await client.callTool('read', { id: '8' })
    expect(runs).toEqual(['7', '8', '7'])

    const go = gate()
    let run = 0
    server.tool(
      'slow',
      { description, annotations: readOnly, cache: { ttl: '1m', tags: () => ['slow'] } },
      async () => {
        run += 1
        const mine = run
        if (mine === 1) await go.opened
        return `run ${mine}`
      },
    )
    const old = client.callTool('slow')
    await expect.poll(() => run).toBe(1)
    await server.invalidate('slow')
    // Whoever asks after the change does not wait for what was begun before it.
    expect(textOf(await client.callTool('slow'))).toBe('run 2')
    go.open()
    expect(textOf(await old)).toBe('run 1')
    expect(textOf(await client.callTool('slow'))).toBe('run 2')
  })

  it('is bounded in entries and in bytes', async () => {
    const { server, runs } = counting({ cache: { maxEntries: 3, maxBytes: 4000 } })
    server.tool('large', { description, annotations: readOnly, cache: { ttl: '1m' } }, () => {
      runs.push('large')
      return 'x'.repeat(3000)
    })
    const client = await open(cell, server)
    for (const id of ['1', '2', '3', '4']) await client.callTool('read', { id })
    const line = (name: string): unknown => server.stats().bounded.find((bounded) => bounded.name === name)
    expect(line('answers kept')).toMatchObject({ size: 3, limit: 3, dropped: 1 })
    await client.callTool('read', { id: '1' })
    expect(runs).toEqual(['1', '2', '3', '4', '1'])
    await client.callTool('large')
    await client.callTool('large')
    expect(runs.slice(5)).toEqual(['large', 'large'])
    expect(line('bytes of answers kept')).toMatchObject({ limit: 4000, dropped: 2 })
  })

  it('what a middleware does with an answer changes no other', async () => {
    const { server } = testServer()
    server.use(
      async (_call, next) => {
        const result = (await next()) as { structured: { list: string[] } }
        result.structured.list.push('mine')
        return result
      },
      { at: 'authorized' },
    )
    server.tool('read', { description, annotations: readOnly, cache: { ttl: '1m' } }, () => ({
      list: ['own'],
    }))
    const client = await open(cell, server)
    for (let call = 0; call < 3; call += 1) {
      expect((await client.callTool('read')).structuredContent).toEqual({ list: ['own', 'mine'] })
    }
  })

  it('makes an answer anew for arguments that JSON cannot tell apart', async () => {
    const { server } = testServer()
    let runs = 0
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => ({ value: new Map(Object.entries(value as object)) }),
        jsonSchema: { input: () => ({ type: 'object', properties: {} }), output: () => ({ type: 'object' }) },
      },
    } as const
    server.tool(
      'read',
      { description, annotations: readOnly, input: schema, cache: { ttl: '1m' } },
      (args) => {
        runs += 1
        return String([...(args as unknown as Map<string, unknown>).values()])
      },
    )
    const client = await open(cell, server)
    expect(textOf(await client.callTool('read', { a: '1' }))).toBe('1')
    expect(textOf(await client.callTool('read', { a: '2' }))).toBe('2')
    expect(runs).toBe(2)
  })

  it('is refused where it could answer wrongly', () => {
    const { server } = testServer()
    const cache = { ttl: '1m', scope: 'public' } as const
    const tool =
      (options: object): (() => unknown) =>
      () =>
        server.tool('t', { description, annotations: readOnly, cache, ...options }, () => 'x')
    expect(tool({ annotations: {} })).toThrow('does not say readOnlyHint: true')
    expect(tool({ requires: ['elicitation'] })).toThrow('asks its client')
    expect(tool({ task: 'optional' })).toThrow("cannot be one caller's task")
    expect(tool({ permissions: ['a'] })).toThrow('"cache.scope" cannot be "public"')
    expect(tool({ visible: () => true })).toThrow('"cache.scope" cannot be "public"')
    expect(tool({ authorize: () => true })).toThrow('"cache.scope" cannot be "public"')
    expect(() =>
      server.group({ permissions: ['a'] }).resource('r', { uri: 'app://r', description, cache }, () => 'x'),
    ).toThrow('"cache.scope" cannot be "public"')
    expect(() =>
      server.resource('r', { uri: 'app://r', description, ttl: '1m' } as never, () => 'x'),
    ).toThrow('use "cache"')
  })
})

describe('the principal', () => {
  it('tells callers on connections apart', async () => {
    const { server, runs } = counting()
    const [memory] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })
    if (memory === undefined) throw new Error('There is no such cell.')
    for (const subject of ['alice', 'bob', 'alice']) {
      const client = await open(memory, server, { principal: user(subject) })
      await client.callTool('read', { id: '7' })
    }
    expect(runs).toEqual(['7', '7'])
  })
})

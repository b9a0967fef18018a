import { createServer, type Server, type ServerOptions, StartError } from 'holdfast'
import { defineService } from 'holdfast/services'
import { cells, type TestServer } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate, handClock, keepingLogger, open, textOf } from '../protocol/support.js'

const memory = cells({ transports: ['memory'], revisions: ['2025-11-25'] })[0]

/** Services that write down what happens to them. */
function diary(): {
  readonly entries: string[]
  readonly service: (
    name: string,
    options?: { readonly dependsOn?: readonly string[]; readonly fails?: boolean; readonly lazy?: boolean },
  ) => ReturnType<typeof defineService<string, Record<string, unknown>>>
} {
  const entries: string[] = []
  return {
    entries,
    service: (name, { dependsOn = [], fails = false } = {}) =>
      defineService<string, Record<string, unknown>>({
        dependsOn,
        start(needs) {
          entries.push(`${name} starts with ${Object.values(needs).join(' and ') || 'nothing'}`)
          if (fails) throw new Error('connect ECONNREFUSED 127.0.0.1:5432')
          return name
        },
        stop(value) {
          entries.push(`${value} stops`)
        },
      }),
  }
}

function serverWith(services: ServerOptions['services'], options: Partial<ServerOptions> = {}) {
  const logger = keepingLogger()
  const server = createServer({
    name: 'stands-on',
    version: '1.0.0',
    logger,
    ...(services && { services }),
    ...options,
  })
  onTestFinished(() => server.close({ timeoutMs: 0 }))
  return { server, logger }
}

async function callIt(server: TestServer, name = 'look'): Promise<string> {
  if (memory === undefined) throw new Error('There is no such cell.')
  const client = await open(memory, server)
  return textOf(await client.callTool(name))
}

async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('It was expected to fail.')
    },
    (error: Error) => error,
  )
}

describe('the life of services', () => {
  it('starts each once, after what it depends on, and stops them in reverse', async () => {
    const { entries, service } = diary()
    const { server } = serverWith({
      shop: service('shop', { dependsOn: ['db', 'cache', 'setting'] }),
      cache: service('cache', { dependsOn: ['db'] }),
      db: service('db'),
      setting: 42,
    })
    await Promise.all([server.start(), server.start()])
    await server.start()
    expect(entries).toEqual([
      'db starts with nothing',
      'cache starts with db',
      'shop starts with db and cache and 42',
    ])
    await server.close()
    expect(entries.slice(3)).toEqual(['shop stops', 'cache stops', 'db stops'])
    expect((await failure(server.start())).message).toBe('The server is closed.')
  })

  it('gives handlers what they run on, typed, and plain values as they are', async () => {
    const { server } = serverWithDb()
    expect(await callIt(server)).toBe('rows for look, of 7')
  })

  it('lets the first calls wait for the start, on every way in', async () => {
    for (const cell of cells({ revisions: ['2025-11-25', '2026-07-28'] })) {
      const { opened, open: go } = gate<undefined>()
      let starts = 0
      const db = defineService({
        async start() {
          starts += 1
          await opened
          return 'db'
        },
      })
      const server = createServer({ name: 'waits', version: '1.0.0', services: { db } })
      server.tool('look', { description: 'Looks.' }, (_args, { services }) => services.db)
      server.resource(
        'one',
        { uri: 'app://one', description: 'One.' },
        (_request, { services }) => services.db,
      )
      const client = await open(cell, server)
      const calls = [client.callTool('look'), client.callTool('look')]
      const read = client.request('resources/read', { uri: 'app://one' })
      // A list needs no services.
      expect(await client.request('tools/list')).toMatchObject({ tools: [{ name: 'look' }] })
      go(undefined)
      expect((await Promise.all(calls)).map(textOf)).toEqual(['db', 'db'])
      expect(await read).toMatchObject({ contents: [{ text: 'db' }] })
      expect(starts).toBe(1)
      await server.close({ timeoutMs: 0 })
    }
  })

  it('stops what runs when one cannot start, and says in one sentence which', async () => {
    const { entries, service } = diary()
    const { server } = serverWith({
      db: service('db'),
      shop: service('shop', { dependsOn: ['db'], fails: true }),
    })
    const error = await failure(server.start())
    expect(StartError.is(error)).toBe(true)
    expect(error.message).toBe('The service "shop" cannot start: connect ECONNREFUSED 127.0.0.1:5432.')
    expect(entries).toEqual(['db starts with nothing', 'shop starts with db', 'db stops'])
    expect(server.health()).toEqual({
      status: 'degraded',
      checks: [
        { name: 'rates', status: 'ok' },
        { name: 'services', status: 'degraded', message: error.message },
      ].filter(({ name }) => name === 'services'),
    })
  })

  it('shows no secret of what an error says', async () => {
    const db = defineService({
      start: () => Promise.reject(new Error('cannot reach postgres://app:hunter2secret@db.internal/orders')),
    })
    const { server } = serverWith({ db })
    const { message } = await failure(server.start())
    expect(message).toContain('The service "db" cannot start: cannot reach postgres://')
    expect(message).not.toContain('hunter2secret')
  })

  it('refuses calls while they cannot start, tries again later, and then serves', async () => {
    const clock = handClock()
    let broken = true
    let starts = 0
    const db = defineService({
      start() {
        starts += 1
        if (broken) throw new Error('not yet')
        return 'db'
      },
    })
    const { server, logger } = serverWith({ db }, { clock })
    server.tool('look', { description: 'Looks.' }, (_args, { services }) => (services as { db: string }).db)
    if (memory === undefined) throw new Error('There is no such cell.')
    const client = await open(memory, server)
    const refused = await client.callTool('look')
    expect(refused.isError).toBe(true)
    expect(textOf(refused)).toMatch(
      /^A service that this server stands on cannot start; its log says which\. Try again later\. Try again in 1 s\.$/,
    )
    expect(refused['_meta']).toMatchObject({
      'dev.holdfast/error': { code: 'backend_unavailable', retryable: true },
    })
    // Nobody hammers at what is down.
    for (let n = 0; n < 5; n += 1) await client.callTool('look')
    expect(starts).toBe(1)
    broken = false
    clock.advance(1000)
    expect(textOf(await client.callTool('look'))).toBe('db')
    expect(starts).toBe(2)
    expect(server.health().status).toBe('ok')
    expect(logger.records).toMatchObject([
      { level: 'error', message: 'The services of the server cannot start; calls are refused.' },
    ])
  })

  it('gives up a start that takes too long, and stops what comes after all', async () => {
    const clock = handClock()
    const { opened, open: finish } = gate<string>()
    const stopped: string[] = []
    let aborted = false
    let begun = false
    const db = defineService({
      startTimeout: '2s',
      start(_needs, { signal }) {
        begun = true
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return opened
      },
      stop: (value) => void stopped.push(value),
    })
    const { server } = serverWith({ db }, { clock })
    const starting = failure(server.start())
    await expect.poll(() => begun).toBe(true)
    clock.advance(2000)
    expect((await starting).message).toBe('The service "db" did not start within 2000 ms.')
    expect(aborted).toBe(true)
    finish('late')
    await expect.poll(() => stopped).toEqual(['late'])
  })

  it('waits for a stop no longer than it may take, and goes on with the others', async () => {
    const clock = handClock()
    const { entries, service } = diary()
    const hangs = defineService({
      dependsOn: ['db'],
      stopTimeout: '1s',
      start: () => 'hangs',
      stop: () => new Promise<void>(() => undefined),
    } as Parameters<typeof defineService<string, { db: unknown }>>[0])
    const { server, logger } = serverWith({ db: service('db'), hangs }, { clock })
    await server.start()
    const closed = server.close({ timeoutMs: 0 })
    await expect
      .poll(() => {
        clock.advance(1000)
        return entries
      })
      .toContain('db stops')
    await closed
    expect(logger.records).toMatchObject([
      { level: 'error', message: 'The service "hangs" did not end well.' },
    ])
  })

  it('starts a lazy one when it is first asked for, once, with what it needs', async () => {
    const { entries, service } = diary()
    const model = defineService<string, { db: string }>({
      lazy: true,
      dependsOn: ['db'],
      start({ db }) {
        entries.push(`model starts with ${db}`)
        return 'model'
      },
      stop: (value) => void entries.push(`${value} stops`),
    })
    const server = createServer({ name: 'lazy', version: '1.0.0', services: { db: service('db'), model } })
    server.tool('look', { description: 'Looks.' }, async (_args, { services }) => {
      const both = await Promise.all([services.model(), services.model()])
      return both.join(' ')
    })
    await server.start()
    expect(entries).toEqual(['db starts with nothing'])
    expect(await callIt(server)).toBe('model model')
    expect(entries).toEqual(['db starts with nothing', 'model starts with db'])
    await server.close()
    expect(entries.slice(2)).toEqual(['model stops', 'db stops'])
  })

  it('stops what depends on a lazy one before that, although it started later', async () => {
    const { entries } = diary()
    const model = defineService({
      lazy: true,
      start: () => 'model',
      stop: (value) => void entries.push(`${value} stops`),
    })
    const shop = defineService<{ ask(): Promise<string> }, { model: () => Promise<string> }>({
      dependsOn: ['model'],
      start: (needs) => ({ ask: () => needs.model() }),
      stop: () => void entries.push('shop stops'),
    })
    const server = createServer({ name: 'late', version: '1.0.0', services: { model, shop } })
    server.tool('look', { description: 'Looks.' }, (_args, { services }) => services.shop.ask())
    expect(await callIt(server)).toBe('model')
    await server.close()
    expect(entries).toEqual(['shop stops', 'model stops'])
  })

  it('looks at services in the background, and says what is wrong', async () => {
    const clock = handClock()
    let state: 'well' | 'bad' | 'throws' | 'hangs' = 'well'
    let looks = 0
    let pressure: string | undefined
    const db = defineService({
      start: () => 'db',
      check() {
        looks += 1
        if (state === 'throws') throw new Error('gone')
        if (state === 'hangs') return new Promise<never>(() => undefined)
        return state === 'bad' ? 'The database is read-only.' : undefined
      },
      degraded: () => pressure,
    })
    const { server } = serverWith({ db }, { clock })
    await server.start()
    const message = async (next: typeof state): Promise<string | undefined> => {
      state = next
      const before = looks
      clock.advance(10_000)
      await expect.poll(() => looks).toBe(before + 1)
      clock.advance(5000)
      // The look ends, and is written down, in turns of its own.
      await new Promise((resolve) => setImmediate(resolve))
      return server.health().checks.find(({ name }) => name === 'db')?.message
    }
    expect(await message('well')).toBeUndefined()
    expect(await message('bad')).toBe('The database is read-only.')
    expect(await message('throws')).toBe('The service "db" does badly: gone.')
    expect(await message('hangs')).toContain('did not say how it does within 5000 ms')
    expect(await message('well')).toBeUndefined()
    pressure = 'The pool is exhausted.'
    expect(server.health()).toMatchObject({ status: 'degraded', checks: [{ name: 'db', message: pressure }] })
  })

  it('shows what services hold in stats, until they have stopped', async () => {
    const held = { stats: () => ({ name: 'held', size: 1, limit: 2, unit: 'entries' as const, dropped: 0 }) }
    const db = defineService({
      start(_needs, { stats }) {
        stats.add(held)
        return 'db'
      },
    })
    const { server } = serverWith({ db })
    const names = () => server.stats().bounded.map(({ name }) => name)
    expect(names()).not.toContain('held')
    await server.start()
    expect(names()).toContain('held')
    await server.close()
    expect(names()).not.toContain('held')
  })

  it.each<[string, ServerOptions['services'], string]>([
    [
      'a circle',
      { a: diary().service('a', { dependsOn: ['b'] }), b: diary().service('b', { dependsOn: ['a'] }) },
      'The services depend on each other in a circle: "a" -> "b" -> "a"; take one of these out of "dependsOn".',
    ],
    [
      'a dependency that is none',
      { a: diary().service('a', { dependsOn: ['bd'] }) },
      'The service "a" depends on "bd", which the server\'s "services" do not have; add it there, or take it out of "dependsOn".',
    ],
  ])('refuses %s', (_what, services, sentence) => {
    expect(() => serverWith(services)).toThrow(sentence)
  })

  it('refuses times that are none', () => {
    expect(() => defineService({ name: 'db', start: () => 1, startTimeout: -1 })).toThrow(
      'The service "db": "startTimeout" must be a positive number of milliseconds',
    )
    // @ts-expect-error: a service has a start
    expect(() => defineService({ name: 'db' })).toThrow('The service "db": "start" must be a function')
  })

  it('ends a start under way when the server closes', async () => {
    let aborted = false
    const db = defineService({
      start: (_needs, { signal }) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            aborted = true
            reject(signal.reason as Error)
          })
        }),
    })
    const { server } = serverWith({ db })
    const starting = failure(server.start())
    await Promise.resolve()
    await server.close({ timeoutMs: 0 })
    await starting
    expect(aborted).toBe(true)
  })
})

function serverWithDb(): {
  readonly server: Server<{ readonly db: { rows(): string }; readonly limit: number }>
} {
  const db = defineService({
    start: () => ({ connections: 1 }),
    forCall: (_value, call) => ({ rows: () => `rows for ${call.name}` }),
  })
  const server = createServer({ name: 'typed', version: '1.0.0', services: { db, limit: 7 } })
  onTestFinished(() => server.close({ timeoutMs: 0 }))
  server.tool('look', { description: 'Looks.' }, (_args, { services }) => {
    const limit: number = services.limit
    return `${services.db.rows()}, of ${limit}`
  })
  return { server }
}

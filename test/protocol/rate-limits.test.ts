import { type Authenticator, anonymous, type ServerOptions } from 'holdfast'
import { type Cell, cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import type { RateStore } from '../../src/contracts/rate-store.js'
import { handClock, open, refused, testServer, textOf } from './support.js'

/** Named by X-User, nobody without it. */
const named: Authenticator = {
  authenticate: ({ header }) => {
    const subject = header('x-user')
    if (subject === undefined) return { ok: true, principal: anonymous }
    const principal = {
      kind: 'user',
      issuer: 'https://id.example',
      subject,
      permissions: new Set<string>(),
      claims: {},
    } as const
    return { ok: true, principal }
  },
}

/** How a tool call ended: its error's code, or nothing. */
async function codeOf(
  client: TestClient,
  tool: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { _meta } = await client.callTool(tool, args)
  return (_meta?.['dev.holdfast/error'] as { code: string } | undefined)?.code ?? 'done'
}

async function codesOf(count: number, call: () => Promise<string>): Promise<readonly string[]> {
  const codes: string[] = []
  for (let n = 0; n < count; n += 1) codes.push(await call())
  return codes
}

const twice = ['done', 'done', 'rate_limited'] as const
const http = cells({ transports: ['http'], revisions: ['2025-11-25', '2026-07-28'] })

function limited(options: Partial<ServerOptions> = {}) {
  const clock = handClock()
  const { server, logged } = testServer({ clock, ...options })
  server.tool('find', { description: 'Finds.', rateLimit: { limit: 2, per: '1m' } }, () => 'found')
  server.tool(
    'all',
    { description: 'For all.', rateLimit: { limit: 2, per: '1m', by: 'everyone' } },
    () => 'all',
  )
  server.tool('free', { description: 'Free.' }, () => 'free')
  return { server, clock, logged }
}

describe.each(cells())('$name', (cell) => {
  it('a tool that is called too often says so, and when it may be called again', async () => {
    const { server, clock } = limited()
    const client = await open(cell, server)
    await codesOf(2, () => codeOf(client, 'find'))
    const refusal = await client.callTool('find')
    expect(refusal).toMatchObject({
      isError: true,
      _meta: { 'dev.holdfast/error': { code: 'rate_limited', retryable: true, retryAfterMs: 30_000 } },
    })
    expect(textOf(refusal)).toBe(
      '"find" was not begun because this caller came too often. Try again in 30 s.',
    )
    clock.advance(29_999)
    expect(await codeOf(client, 'find')).toBe('rate_limited')
    clock.advance(1)
    expect(await codesOf(2, () => codeOf(client, 'find'))).toEqual(['done', 'rate_limited'])
    expect(await codeOf(client, 'free')).toBe('done')
  })

  it('a prompt and a resource refuse with a JSON-RPC error that says the same', async () => {
    const { server } = testServer({ clock: handClock() })
    const rateLimit = { limit: 1, per: '10s' } as const
    server.prompt('greet', { description: 'Greets.', rateLimit }, () => 'Hello.')
    server.resource('config', { uri: 'app://config', description: 'Settings.', rateLimit }, () => 'a')
    const client = await open(cell, server)
    for (const ask of [
      () => client.request('prompts/get', { name: 'greet' }),
      () => client.request('resources/read', { uri: 'app://config' }),
    ]) {
      await ask()
      const error = await refused(ask())
      expect(error).toMatchObject({
        code: -32603,
        data: { code: 'rate_limited', retryable: true, retryAfterMs: 10_000 },
      })
      expect(error.message).toContain('came too often')
    }
  })

  it('the limits of the server count all that a caller calls, and all that everybody calls', async () => {
    const { server, clock } = limited({
      rateLimit: { principal: { limit: 3, per: '1m' }, server: { limit: 4, per: '1m' } },
    })
    const client = await open(cell, server)
    const codes = [await codeOf(client, 'free'), await codeOf(client, 'find'), await codeOf(client, 'all')]
    expect(codes).toEqual(['done', 'done', 'done'])
    expect(await codeOf(client, 'free')).toBe('rate_limited')
    // What one limit refused cost nothing at another: of the server's four there is one left.
    clock.advance(20_000)
    expect(await codesOf(2, () => codeOf(client, 'free'))).toEqual(['done', 'rate_limited'])
  })

  it('wrong arguments cost as much as right ones', async () => {
    const { server } = testServer({ clock: handClock() })
    const input = { type: 'object', properties: { id: { type: 'number' } }, required: ['id'] } as const
    server.tool('find', { description: 'Finds.', input, rateLimit: { limit: 2, per: '1m' } }, () => 'found')
    const client = await open(cell, server)
    const codes = await codesOf(3, () => codeOf(client, 'find', { id: 'x' }))
    expect(codes).toEqual(['invalid_arguments', 'invalid_arguments', 'rate_limited'])
  })

  it('completions have a limit of their own, which the caller may change', async () => {
    const { server } = testServer({ clock: handClock(), rateLimit: { completion: { limit: 2, per: '1s' } } })
    server.resource(
      'row',
      { uriTemplate: 'app://rows/{id}', description: 'Row.', complete: { id: () => ['1'] } },
      () => 'row',
    )
    const client = await open(cell, server)
    const ask = () =>
      client.complete({ type: 'ref/resource', uri: 'app://rows/{id}' }, { name: 'id', value: '' })
    await ask()
    await ask()
    expect(await refused(ask())).toMatchObject({
      code: -32603,
      data: { code: 'rate_limited', retryAfterMs: 500 },
    })
  })

  it('a list of resources is one call, however many templates are asked for it', async () => {
    const { server } = testServer({ clock: handClock(), rateLimit: { principal: { limit: 2, per: '1m' } } })
    for (const kind of ['a', 'b', 'c', 'd']) {
      server.resource(
        kind,
        { uriTemplate: `${kind}://{id}`, description: 'Row.', list: () => [] },
        () => kind,
      )
    }
    const client = await open(cell, server)
    await client.request('resources/list')
    await client.request('resources/list')
    expect(await refused(client.request('resources/list'))).toMatchObject({ data: { code: 'rate_limited' } })
  })
})

describe('who is counted', () => {
  it.each(cells({ transports: ['memory', 'stdio'] }))(
    '$name: each connection, where nobody is known',
    async (cell) => {
      const { server } = limited()
      const [one, other] = [await open(cell, server), await open(cell, server)]
      expect(await codesOf(3, () => codeOf(one, 'find'))).toEqual(twice)
      expect(await codesOf(3, () => codeOf(other, 'find'))).toEqual(twice)
      expect(await codeOf(one, 'all')).toBe('done')
      expect(await codesOf(2, () => codeOf(other, 'all'))).toEqual(['done', 'rate_limited'])
    },
  )

  it.each(http)(
    '$name: a flood of nobodies from one address leaves an identified caller alone',
    async (cell) => {
      const { server } = limited({ auth: named })
      const ada = await open(cell, server, { headers: { 'x-user': 'ada' } })
      const strangers = await Promise.all(Array.from({ length: 5 }, () => open(cell, server)))
      const codes = await Promise.all(strangers.map((client) => codesOf(20, () => codeOf(client, 'find'))))
      // Another session or connection makes no other caller of them.
      expect(codes.flat().filter((code) => code === 'done')).toHaveLength(2)
      expect(await codesOf(3, () => codeOf(ada, 'find'))).toEqual(twice)
      const bob = await open(cell, server, { headers: { 'x-user': 'bob' } })
      expect(await codesOf(3, () => codeOf(bob, 'find'))).toEqual(twice)
      const adaAgain = await open(cell, server, { headers: { 'x-user': 'ada' } })
      expect(await codeOf(adaAgain, 'find')).toBe('rate_limited')
    },
  )

  it.each(http)(
    '$name: X-Forwarded-For makes nobody another caller unless a trusted proxy wrote it',
    async (cell) => {
      const spoof = async (options: Partial<ServerOptions>, entry: (n: number) => string) => {
        const { server } = limited(options)
        let done = 0
        for (let n = 0; n < 6; n += 1) {
          const client = await open(cell, server, { headers: { 'x-forwarded-for': entry(n) } })
          if ((await codeOf(client, 'find')) === 'done') done += 1
        }
        return done
      }
      expect(await spoof({}, (n) => `203.0.113.${n}`)).toBe(2)
      const trusting = { http: { trustedProxies: ['127.0.0.1/32'] } }
      expect(await spoof(trusting, (n) => `203.0.113.${n}`)).toBe(6)
      // What stands left of the proxy's own entry is what a client claims.
      expect(await spoof(trusting, (n) => `198.51.100.${n}, 203.0.113.7`)).toBe(2)
      expect(await spoof(trusting, (n) => `2001:db8:1:2:${n}::1`)).toBe(2)
      expect(await spoof(trusting, (n) => `2001:db8:1:${n}::1`)).toBe(6)
    },
  )

  it('a subject that is longer than anybody needs is still told from its neighbour', async () => {
    const { server } = limited({ auth: named })
    const [cell] = http
    if (cell === undefined) throw new Error('There is no such cell.')
    const long = 'x'.repeat(3000)
    for (const user of [`${long}a`, `${long}b`]) {
      const client = await open(cell, server, { headers: { 'x-user': user } })
      expect(await codesOf(3, () => codeOf(client, 'find'))).toEqual(twice)
    }
  })
})

describe('what a call costs', () => {
  const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
  if (cell === undefined) throw new Error('There is no such cell.')

  async function costing(cost: number | ((input: unknown) => number)) {
    const { server, logged } = testServer({ clock: handClock() })
    let runs = 0
    server.tool(
      'find',
      {
        description: 'Finds.',
        input: { type: 'object', properties: { ids: { type: 'array' } } },
        rateLimit: { limit: 10, per: '10s' },
        cost,
      },
      () => {
        runs += 1
        return 'found'
      },
    )
    return { client: await open(cell as Pick<Cell, 'connect'>, server), logged, runs: () => runs, server }
  }

  it('is taken as a number, or as a function of the arguments as they came', async () => {
    const fixed = await costing(4)
    expect(await codesOf(3, () => codeOf(fixed.client, 'find'))).toEqual(twice)
    const counted = await costing((input) => (input as { ids: unknown[] }).ids.length)
    expect(await codeOf(counted.client, 'find', { ids: [1, 2, 3, 4, 5, 6, 7] })).toBe('done')
    expect(await codeOf(counted.client, 'find', { ids: [1, 2, 3, 4] })).toBe('rate_limited')
    expect(await codeOf(counted.client, 'find', { ids: [1, 2, 3] })).toBe('done')
  })

  it.each([
    Number.NaN,
    0,
    -1,
    Number.POSITIVE_INFINITY,
    '5' as unknown as number,
    Promise.resolve(1) as unknown as number,
  ])('is the fault of the server where it comes to %s: masked, logged, and not run', async (cost) => {
    const { client, logged, runs } = await costing(() => cost)
    const { isError, _meta } = await client.callTool('find')
    expect([isError, _meta?.['dev.holdfast/error']]).toMatchObject([
      true,
      { code: 'internal', retryable: false },
    ])
    expect(runs()).toBe(0)
    const [record] = logged.filter(({ level }) => level === 'error')
    expect(String(record?.fields['error'])).toContain('The "cost" of "find" must be a finite number above 0')
  })

  it('is the fault of the server where it throws, and nothing of that is told', async () => {
    const { client, runs } = await costing((input) => (input as { ids: unknown[] }).ids.length)
    const answer = await client.callTool('find')
    expect(answer._meta?.['dev.holdfast/error']).toMatchObject({ code: 'internal' })
    expect(JSON.stringify(answer)).not.toContain('undefined')
    expect(runs()).toBe(0)
  })

  it.each([11, 1e300])('is refused for good where it is more than can ever be had (%d)', async (cost) => {
    const { client, runs } = await costing(() => cost)
    const answer = await client.callTool('find')
    const error = answer._meta?.['dev.holdfast/error'] as Record<string, unknown>
    expect(error).toMatchObject({ code: 'rate_limited', retryable: false })
    expect(error['retryAfterMs']).toBeUndefined()
    expect(textOf(answer)).toContain('waiting does not help')
    expect(runs()).toBe(0)
  })
})

describe('a call that comes back with answers', () => {
  const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
  if (cell === undefined) throw new Error('There is no such cell.')

  it('is counted once, and a state that is sent again and again is not free', async () => {
    const { server } = testServer({ clock: handClock() })
    let runs = 0
    server.tool('ask', { description: 'Asks.', rateLimit: { limit: 2, per: '1m' } }, async (_args, ctx) => {
      runs += 1
      const answer = await ctx.elicit({
        message: 'Sure?',
        schema: { type: 'object', properties: { sure: { type: 'boolean' } } },
      })
      return answer.action
    })
    const client = await open(cell, server, {
      capabilities: { elicitation: { form: {} } },
      answers: { 'elicitation/create': () => ({ action: 'accept', content: { sure: true } }) },
    })
    expect(await codesOf(3, () => codeOf(client, 'ask'))).toEqual(twice)
    expect(runs).toBe(4)
  })

  it('has room for the rounds there can be, and for no more', async () => {
    const { server } = testServer({ clock: handClock() })
    server.tool('ask', { description: 'Asks.', rateLimit: { limit: 2, per: '1m' } }, async (_args, ctx) => {
      await ctx.elicit({
        message: 'Sure?',
        schema: { type: 'object', properties: { sure: { type: 'boolean' } } },
      })
      return 'asked'
    })
    const client = await open(cell, server, { capabilities: { elicitation: { form: {} } } })
    const first = await client.request<{ requestState: string; inputRequests: object }>('tools/call', {
      name: 'ask',
      arguments: {},
    })
    const [key = ''] = Object.keys(first.inputRequests)
    const params = {
      ...{ name: 'ask', arguments: {}, requestState: first.requestState },
      inputResponses: { [key]: { action: 'accept', content: { sure: true } } },
    }
    const results = await codesOf(20, async () => {
      const answer = await client.request<{ _meta?: Record<string, { code: string }> }>('tools/call', params)
      return answer._meta?.['dev.holdfast/error']?.code ?? 'done'
    })
    expect(results.filter((code) => code === 'done')).toHaveLength(14)
  })
})

describe('a store of rates', () => {
  const [cell] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })
  if (cell === undefined) throw new Error('There is no such cell.')

  it('is asked instead of this process, with all claims of the call at once', async () => {
    const asked: unknown[] = []
    const rates: RateStore = {
      take(claims) {
        asked.push(claims)
        return Promise.resolve(
          asked.length === 1 ? { allowed: true } : { allowed: false, refused: 0, retryAfterMs: 1500 },
        )
      },
    }
    const { server } = testServer({
      stores: { rates },
      rateLimit: { principal: { limit: 600, per: '1m' }, server: { limit: 6000, per: '1m', burst: 10 } },
    })
    server.tool('find', { description: 'Finds.', rateLimit: { limit: 2, per: '1s' }, cost: 2 }, () => 'found')
    const client = await open(cell, server)
    expect(await codesOf(2, () => codeOf(client, 'find'))).toEqual(['done', 'rate_limited'])
    expect(asked[0]).toMatchObject([
      { rate: { intervalMs: 10, burst: 10 }, cost: 2 },
      { rate: { intervalMs: 100, burst: 600 }, cost: 2 },
      { rate: { intervalMs: 500, burst: 2 }, cost: 2 },
    ])
    expect(server.stats().bounded.find(({ name }) => name === 'rate limits')?.size).toBe(0)
  })
})

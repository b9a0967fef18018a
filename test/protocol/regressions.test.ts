import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type JsonSchema, ProtocolError, result, text } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gate, open, refused, testServer, textOf } from './support.js'

type TestServer = ReturnType<typeof testServer>['server']

function only(options: Parameters<typeof cells>[0]): ReturnType<typeof cells>[number] {
  const [cell] = cells(options)
  if (cell === undefined) throw new Error('There is such a cell.')
  return cell
}

const memory = only({ transports: ['memory'], revisions: ['2026-07-28'] })
const both = cells({ transports: ['memory', 'http'], revisions: ['2025-11-25', '2026-07-28'] })

function inFlight(server: TestServer): number {
  return server
    .stats()
    .bounded.filter(({ name }) => name.includes('in flight'))
    .reduce((sum, { size }) => sum + size, 0)
}

describe('a resource template with two variables', () => {
  it('is matched in linear time', async () => {
    const { server } = testServer()
    server.resource('logs', { uriTemplate: 'logs://{service}-{env}', description: 'Logs.' }, () => 'x')
    const client = await open(memory, server)
    expect((await client.readResource('logs://api-prod')).contents).toHaveLength(1)
    const before = performance.now()
    const error = await refused(client.readResource(`logs://${'-'.repeat(200_000)}?`))
    expect(performance.now() - before).toBeLessThan(1000)
    expect(error.code).toBe(-32602)
  })
})

describe.each(both)('$name', (cell) => {
  it('answers errors whose data JSON cannot carry, and leaves nothing in flight', async () => {
    const unheard: unknown[] = []
    const hear = (reason: unknown): void => void unheard.push(reason)
    process.on('unhandledRejection', hear)
    onTestFinished(() => void process.off('unhandledRejection', hear))
    const { server } = testServer()
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    server.resource('r', { uri: 'app://r', description: 'Fails.' }, (_input, ctx) => {
      throw ctx.error('bad', { message: 'The resource is bad.', value: cycle, data: { cycle } })
    })
    server.resource('big', { uri: 'app://big', description: 'Fails.' }, () => {
      throw new ProtocolError('invalid_params', 'The resource is big.', { data: { big: 5n } })
    })
    server.prompt('p', { description: 'Fails.' }, (_args, ctx) => {
      throw ctx.error('bad', { message: 'The prompt is bad.', value: cycle, data: { cycle } })
    })
    server.prompt('big', { description: 'Fails.' }, () => {
      throw new ProtocolError('invalid_params', 'The prompt is big.', { data: { big: 5n } })
    })
    const client = await open(cell, server, { timeoutMs: 2000 })
    for (const [work, code, message] of [
      [() => client.readResource('app://r'), -32603, 'The resource is bad.'],
      [() => client.readResource('app://big'), -32602, 'The resource is big.'],
      [() => client.getPrompt('p'), -32603, 'The prompt is bad.'],
      [() => client.getPrompt('big'), -32602, 'The prompt is big.'],
    ] as const) {
      expect(await refused(work())).toMatchObject({
        code,
        message: expect.stringContaining(message) as string,
      })
    }
    await expect.poll(() => inFlight(server)).toBe(0)
    // Unhandled rejections are told after the turn in which they happen.
    await new Promise((resolve) => setImmediate(resolve))
    expect(unheard).toEqual([])
  })

  it('masks content blocks that are none', async () => {
    const { server, logged } = testServer()
    server.tool('no-text', { description: 'Faulty.' }, () => text(undefined as never))
    server.tool('no-block', { description: 'Faulty.' }, () => result({ content: [null as never] }))
    const client = await open(cell, server)
    for (const name of ['no-text', 'no-block']) {
      const answer = await client.callTool(name)
      expect(answer).toMatchObject({ isError: true, _meta: { 'dev.holdfast/error': { code: 'internal' } } })
      expect(textOf(answer)).toContain(`The tool "${name}" failed for a reason of its own`)
    }
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(2)
    expect(server.stats().counters.internalErrors).toBe(2)
  })

  it('close without a limit waits for a call', async () => {
    const { server } = testServer()
    const begun = gate()
    const { opened, open: finish } = gate<string>()
    server.tool('slow', { description: 'Waits.' }, () => {
      begun.open()
      return opened
    })
    const client = await open(cell, server)
    let isAnswered = false
    const answer = client.callTool('slow').finally(() => {
      isAnswered = true
    })
    await begun.opened
    const closed = server.close({ timeoutMs: Number.POSITIVE_INFINITY })
    // A timer that is too long for the platform fires after 1 ms, and with it the call would end.
    await pause(50)
    expect(isAnswered).toBe(false)
    finish('finished')
    expect(textOf(await answer)).toBe('finished')
    await closed
  })
})

describe('an output schema that is no object', () => {
  const cell = only({ transports: ['memory'], revisions: ['2025-06-18'] })
  const tree = { anyOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#' } }] }
  const defs = { type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'integer' } } }
  const first = { anyOf: [{ type: 'integer' }, { type: 'array', items: { $ref: '#/anyOf/0' } }] }
  it.each<[string, object, unknown, unknown]>([
    ['with $defs', defs, [1, 2], ['a']],
    ['that is recursive', tree, ['a', ['b', ['c']]], ['a', [['b', 1]]]],
    ['with a reference into itself', first, [1, 2], ['a']],
    ['with an $id', { $id: 'https://orders.example/list', ...defs }, [1, 2], ['a']],
    ['with an encoded reference', { ...defs, items: { $ref: '#/%24defs/n' } }, [1, 2], ['a']],
  ])('is wrapped so that it compiles and fits what is sent (%s)', async (_what, output, value, misfit) => {
    const { server } = testServer()
    server.tool('give', { description: 'Gives.', output: output as JsonSchema }, () => value as never)
    const client = await open(cell, server)
    const { tools } = await client.listTools()
    const listed = tools[0]?.outputSchema
    expect(listed).toMatchObject({ type: 'object' })
    const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(listed ?? false)
    const { structuredContent, isError } = await client.callTool('give')
    expect([structuredContent, isError]).toEqual([{ result: value }, undefined])
    expect(validate(structuredContent)).toBe(true)
    expect(validate({ result: misfit })).toBe(false)
    expect(validate({})).toBe(false)
  })
})

describe('a capability that is null', () => {
  it.each(cells({ revisions: ['2026-07-28'] }))('is one that the client lacks ($name)', async (cell) => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, (_args, ctx) => String(ctx.supports('elicitation')))
    const client = await open(cell, server)
    const call = async (elicitation: object | null): Promise<unknown> => {
      const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation } }
      const answer = await client.callTool('ask', {}, { meta })
      return [textOf(answer), answer.isError]
    }
    expect(await call(null)).toEqual(['false', undefined])
    expect(await call({})).toEqual(['true', undefined])
    expect(server.stats().counters.internalErrors).toBe(0)
  })
})

describe('an argument named constructor', () => {
  it('has no completer unless it is given one', async () => {
    const { server, logged } = testServer()
    const input: JsonSchema = {
      type: 'object',
      properties: { constructor: { type: 'string' as const }, place: { type: 'string' } },
    }
    server.prompt('build', { description: 'Builds.', input, complete: { place: () => ['here'] } }, () => 'x')
    const client = await open(memory, server)
    const ref = { type: 'ref/prompt', name: 'build' }
    expect((await client.complete(ref, { name: 'place', value: '' })).values).toEqual(['here'])
    expect((await client.complete(ref, { name: 'constructor', value: 'abc' })).values).toEqual([])
    expect(logged).toEqual([])
  })
})

describe('a template that lists 200,000 resources', () => {
  it('answers with a page of them', async () => {
    const { server } = testServer()
    const list = () => Array.from({ length: 200_000 }, (_, at) => ({ uri: `n://${at}`, name: `n${at}` }))
    server.resource('n', { uriTemplate: 'n://{id}', description: 'Numbers.', list }, () => 'x')
    const client = await open(memory, server)
    const page = await client.request<{ resources: object[]; nextCursor: string }>('resources/list')
    expect(page.resources).toHaveLength(1000)
    const next = await client.request<{ resources: object[] }>('resources/list', { cursor: page.nextCursor })
    expect(next.resources[0]).not.toEqual(page.resources[0])
    expect(server.stats().counters.internalErrors).toBe(0)
  })
})

describe('a middleware', () => {
  it.each<[string, () => unknown]>([
    ['promise', () => new Promise(() => undefined)],
    ['thenable', () => ({ then: () => undefined })],
  ])('at the edge that hangs in a %s is ended by the timeout of the tool', async (_what, hang) => {
    const { server } = testServer()
    server.use(hang, { at: 'edge' })
    server.tool('one', { description: 'One.', timeout: '50ms' }, () => '1')
    const client = await open(memory, server, { timeoutMs: 3000 })
    expect(await client.callTool('one')).toMatchObject({
      isError: true,
      _meta: { 'dev.holdfast/error': { code: 'timed_out' } },
    })
    expect(server.stats().counters.timedOut).toBe(1)
  })

  it.each(['edge', 'authorized', 'validated'] as const)(
    'that gives a thenable which is no promise is awaited (%s)',
    async (at) => {
      const { server } = testServer()
      server.use((_call, next) => ({ then: (resolve: (value: unknown) => void) => resolve(next()) }), { at })
      const output = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } as const
      server.tool('one', { description: 'One.', output }, () => ({ n: 1 }))
      const client = await open(memory, server)
      const answer = await client.callTool('one')
      expect([answer.structuredContent, answer.isError]).toEqual([{ n: 1 }, undefined])
    },
  )
})

describe('handlers that do not listen to their signal', () => {
  it('are counted when they were cancelled, and hold new calls off until they settle', async () => {
    const { server } = testServer()
    const most = 1000
    let begun = 0
    const all = gate()
    const release = gate()
    server.tool('deaf', { description: 'Goes on.' }, async () => {
      begun += 1
      if (begun === most) all.open()
      await release.opened
      return 'over'
    })
    const quick = { calls: 0 }
    server.tool('quick', { description: 'Is quick.' }, () => {
      quick.calls += 1
      return 'done'
    })
    const goingOn = () => server.stats().bounded.find(({ name }) => name.startsWith('handlers that go on'))
    const client = await open(memory, server)
    const cancelling = new AbortController()
    setMaxListeners(most, cancelling.signal)
    const calls = Array.from({ length: most }, () =>
      client.callTool('deaf', {}, { signal: cancelling.signal }).catch(() => undefined),
    )
    await all.opened
    expect(goingOn()).toMatchObject({ size: 0, limit: most })
    cancelling.abort()
    await Promise.all(calls)
    await expect.poll(() => goingOn()?.size).toBe(most)

    expect(await client.callTool('quick')).toMatchObject({
      isError: true,
      _meta: { 'dev.holdfast/error': { code: 'overloaded' } },
    })
    expect([quick.calls, goingOn()?.dropped]).toEqual([0, 1])
    release.open()
    await expect.poll(() => goingOn()?.size).toBe(0)
    expect(textOf(await client.callTool('quick'))).toBe('done')
  })
})

import { ProtocolError, ToolError } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from './support.js'

const errorKey = 'dev.holdfast/error'

describe.each(cells())('$name', (cell) => {
  const { stateless, transport } = cell

  it('a catalogued error brings its sentence and hint for the model, and its fields for programs', async () => {
    const { server } = testServer()
    server.tool(
      'find-order',
      {
        description: 'Finds an order.',
        errors: {
          order_not_found: { message: 'No order has this number.', hint: 'Call search-orders first.' },
        },
      },
      (_args, ctx) => {
        throw ctx.error('order_not_found', { field: 'orderId', value: 'ORD-1', expected: 'a known order' })
      },
    )
    const client = await open(cell, server)
    const answered = await client.callTool('find-order')
    expect(answered.isError).toBe(true)
    expect(textOf(answered)).toBe(
      'No order has this number. "orderId": expected a known order, received "ORD-1". Call search-orders first.',
    )
    expect(answered._meta?.[errorKey]).toEqual({
      code: 'order_not_found',
      message: 'No order has this number.',
      hint: 'Call search-orders first.',
      field: 'orderId',
      value: 'ORD-1',
      expected: 'a known order',
      retryable: false,
    })
    expect(answered.structuredContent).toBeUndefined()
    expect(server.stats().counters).toMatchObject({ toolErrors: 1, internalErrors: 0 })
  })

  it('an error without a catalogue says when to try again, and keeps its cause to itself', async () => {
    const { server } = testServer()
    server.tool('busy', { description: 'Is busy.' }, (_args, ctx) => {
      throw ctx.error('upstream_busy', {
        message: 'The stock exchange is closed.',
        retryable: true,
        retryAfterMs: 1500,
        data: { market: 'X' },
        cause: new Error('10.0.0.7 refused'),
      })
    })
    const client = await open(cell, server)
    const answered = await client.callTool('busy')
    expect(textOf(answered)).toBe('The stock exchange is closed. Try again in 2 s.')
    expect(answered._meta?.[errorKey]).toMatchObject({
      retryable: true,
      retryAfterMs: 1500,
      data: { market: 'X' },
    })
    expect(JSON.stringify(client.received)).not.toContain('10.0.0.7')
  })

  it('a tool error with an output schema needs no structured value', async () => {
    const { server } = testServer()
    const output = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } as const
    server.tool('fails', { description: 'Fails.', output }, () => {
      throw new ToolError('no_luck', { message: 'Not today.' })
    })
    const client = await open(cell, server)
    expect(textOf(await client.callTool('fails'))).toBe('Not today.')
  })

  it('masks whatever is thrown, however odd it is, and goes on', async () => {
    const { server, logged } = testServer()
    const secret = 'hunter2'
    const thrown: Record<string, unknown> = {
      text: secret,
      nothing: undefined,
      nulled: null,
      number: 7,
      object: { message: secret, code: -32000 },
      frozen: Object.freeze(new Error(secret)),
      symbol: Symbol(secret),
      lookalike: { name: 'ToolError', code: 'x', message: secret, details: {} },
      getter: Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error(secret)
        },
      }),
      proxy: new Proxy(
        {},
        {
          get() {
            throw new Error(secret)
          },
          getOwnPropertyDescriptor() {
            throw new Error(secret)
          },
        },
      ),
    }
    for (const [name, value] of Object.entries(thrown)) {
      const fail = (): never => {
        throw value
      }
      server.tool(name, { description: name }, fail)
      server.tool(`${name}-later`, { description: name }, async () => fail())
      server.resource(name, { uri: `app://${name}`, description: name }, fail)
    }
    const client = await open(cell, server)
    for (const name of Object.keys(thrown)) {
      for (const tool of [name, `${name}-later`]) {
        const answered = await client.callTool(tool)
        expect([tool, answered.isError]).toEqual([tool, true])
        expect(answered._meta?.[errorKey]).toMatchObject({ code: 'internal' })
      }
      const refusal = await refused(client.readResource(`app://${name}`))
      expect([name, refusal.code]).toEqual([name, -32603])
    }
    expect(JSON.stringify(client.received)).not.toContain(secret)
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(Object.keys(thrown).length * 3)
  })

  it('errors that resources and prompts throw on purpose keep their code, sentence and data', async () => {
    const { server } = testServer()
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => {
      throw new ProtocolError('invalid_params', 'The range is empty.', { data: { range: '5-1' } })
    })
    server.resource('gone', { uri: 'app://gone', description: 'Gone.' }, () => {
      throw new ProtocolError('resource_not_found', 'It was deleted.', { data: { uri: 'app://gone' } })
    })
    server.prompt('one', { description: 'One.' }, () => {
      throw new ToolError('closed', { message: 'The desk is closed.', hint: 'Come back at nine.' })
    })
    const client = await open(cell, server)
    expect(await refused(client.readResource('app://one'))).toMatchObject({
      code: -32602,
      message: 'The range is empty.',
      data: { range: '5-1' },
    })
    expect((await refused(client.readResource('app://gone'))).code).toBe(stateless ? -32602 : -32002)
    expect(await refused(client.getPrompt('one'))).toMatchObject({
      code: -32603,
      message: 'The desk is closed. Come back at nine.',
      data: { code: 'closed' },
    })
  })

  it('a call that takes too long is answered at its deadline, and its signal fires', async () => {
    const { server } = testServer({ timeout: '5s' })
    const reasons: string[] = []
    server.tool('slow', { description: 'Slow.', timeout: 40 }, (_args, ctx) => {
      ctx.signal.addEventListener('abort', () => reasons.push((ctx.signal.reason as Error).name))
      if (ctx.remaining() > 40) reasons.push('too much time')
      return new Promise(() => undefined)
    })
    server.resource(
      'slow',
      { uri: 'app://slow', description: 'Slow.', timeout: 40 },
      () => new Promise(() => undefined),
    )
    const client = await open(cell, server)
    const answered = await client.callTool('slow')
    expect(textOf(answered)).toBe(
      '"slow" did not finish within 40 ms. Ask for less at once, or try again later.',
    )
    expect(answered._meta?.[errorKey]).toMatchObject({ code: 'timed_out', retryable: true })
    expect(reasons).toEqual(['TimeoutError'])
    const refusal = await refused(client.readResource('app://slow'))
    expect(refusal).toMatchObject({ code: -32603, data: { code: 'timed_out' } })
    expect(server.stats().counters.timedOut).toBe(2)
  })

  it('answers although the logger itself fails', async () => {
    const fail = (): never => {
      throw new Error('the disk is full')
    }
    const { server } = testServer({ logger: { debug: fail, info: fail, warn: fail, error: fail } })
    server.tool('leak', { description: 'Fails.' }, fail)
    server.prompt('leak', { description: 'Fails.' }, fail)
    const client = await open(cell, server)
    expect((await client.callTool('leak'))._meta?.[errorKey]).toMatchObject({ code: 'internal' })
    expect((await refused(client.getPrompt('leak'))).code).toBe(-32603)
    expect(server.stats().counters.internalErrors).toBe(2)
  })

  it('a call in flight is told that the server closes', async () => {
    const { server } = testServer()
    let started = false
    server.tool('stuck', { description: 'Stuck.' }, () => {
      started = true
      return new Promise(() => undefined)
    })
    const client = await open(cell, server)
    const call = client.callTool('stuck')
    await expect.poll(() => started).toBe(true)
    const closed = server.close({ timeoutMs: 20 })
    const answered = await call
    expect(answered._meta?.[errorKey]).toMatchObject({ code: 'shutting_down', retryable: true })
    await closed
    if (transport === 'http') expect((await refused(client.listTools())).httpStatus).toBe(503)
  })
})

import { ProtocolError, result } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from './support.js'

// Twenty things that the official SDK 2.4.0 was measured to do, most of them not as the specification asks. Each
// test says what is right, under the number of the measurement.

const errorKey = 'dev.holdfast/error'

function twoTools() {
  const made = testServer({ pageSize: 1 })
  made.server.tool('first', { description: 'The first one.' }, () => 'one')
  made.server.tool('second', { description: 'The second one.' }, () => 'two')
  return made.server
}

describe.each(cells())('$name', (cell) => {
  const { transport, revision } = cell
  const http = transport === 'http'

  it('1: lists are paged, and a bad cursor is -32602 (PAG-01, PAG-02)', async () => {
    const client = await open(cell, twoTools())
    const first = await client.listTools()
    expect(first.tools.map(({ name }) => name)).toEqual(['first'])
    const second = await client.listTools(first.nextCursor)
    expect(second.tools.map(({ name }) => name)).toEqual(['second'])
    expect(second.nextCursor).toBeUndefined()
    expect((await refused(client.listTools('doctor-invalid'))).code).toBe(-32602)
  })

  it('4: secrets that handlers throw reach the log and no answer (TOOL-17, SEC-06)', async () => {
    const { server, logged } = testServer()
    const secret = 'postgres://admin:hunter2@db.internal/orders'
    const leak = (): never => {
      throw new Error(`connect failed: ${secret}`)
    }
    server.tool('leak', { description: 'Fails.' }, leak)
    server.resource('leak', { uri: 'app://leak', description: 'Fails.' }, leak)
    server.prompt('leak', { description: 'Fails.' }, leak)
    const client = await open(cell, server)

    const tool = await client.callTool('leak')
    expect(tool.isError).toBe(true)
    const inTool = tool._meta?.[errorKey] as { data: { correlationId: string } }
    const resource = await refused(client.readResource('app://leak'))
    const prompt = await refused(client.getPrompt('leak'))
    expect([resource.code, prompt.code]).toEqual([-32603, -32603])

    expect(JSON.stringify(client.received)).not.toContain('hunter2')
    expect(resource.message + prompt.message).not.toContain('hunter2')
    const ids = [inTool.data, resource.data, prompt.data].map(
      (data) => (data as { correlationId: string }).correlationId,
    )
    const errors = logged.filter(({ level }) => level === 'error')
    expect(errors.map(({ fields }) => fields['correlationId'])).toEqual(ids)
    expect(new Set(ids).size).toBe(3)
    expect(textOf(tool)).toContain(ids[0])
    for (const { fields } of errors) {
      expect(String(fields['error'])).toContain('connect failed: postgres://admin:[redacted]@')
    }
  })

  it('5: a ProtocolError thrown in a tool is a tool error that keeps code and data', async () => {
    const { server } = testServer()
    server.tool('odd', { description: 'Throws the wrong kind.' }, () => {
      throw new ProtocolError('invalid_params', 'The region is closed.', { data: { region: 'north' } })
    })
    const client = await open(cell, server)
    const outcome = await client.callTool('odd')
    expect(outcome.isError).toBe(true)
    expect(textOf(outcome)).toBe('The region is closed.')
    expect(outcome._meta?.[errorKey]).toMatchObject({
      code: 'invalid_params',
      data: { code: -32602, region: 'north' },
    })
  })

  it('6: a result that breaks its output schema is logged and never shown (TOOL-13)', async () => {
    const { server, logged } = testServer()
    const output = {
      type: 'object',
      properties: { total: { type: 'number' } },
      required: ['total'],
    } as const
    // The type system would refuse this handler; a wrong row from a database does not ask it.
    server.tool(
      'sum',
      { description: 'Sums.', output },
      () => JSON.parse('{"total":"much"}') as { total: number },
    )
    const client = await open(cell, server)
    const outcome = await client.callTool('sum')
    expect(outcome.isError).toBe(true)
    expect(outcome.structuredContent).toBeUndefined()
    expect(JSON.stringify(outcome)).not.toMatch(/total|much|schema|output/)
    expect(
      logged.filter(({ level }) => level === 'error').map(({ fields }) => String(fields['error'])),
    ).toEqual([expect.stringContaining('"total" must be a number')])
  })

  it('7: a level that is none is -32602 and never -32603 (VER-12, LOG-01, LOG-02)', async () => {
    const client = await open(cell, twoTools())
    for (const level of ['bogus', 7, undefined, '__proto__']) {
      const refusal = await refused(client.request('logging/setLevel', { level }))
      expect([level, refusal.code]).toEqual([level, cell.stateless ? -32601 : -32602])
      if (!cell.stateless) expect(refusal.message).toContain('"level" must be one of debug, info')
    }
    if (!cell.stateless) expect(await client.request('logging/setLevel', { level: 'info' })).toEqual({})
  })

  it('8: what is declared works, and what is not declared is -32601 (CAP-01, CAP-02, CMP-01)', async () => {
    const { server } = testServer()
    const capabilities = async (): Promise<unknown> => {
      const client = await open(cell, server)
      return cell.stateless
        ? (await client.request('server/discover'))['capabilities']
        : client.initialized?.['capabilities']
    }
    expect(await capabilities()).toEqual({ logging: {} })
    const bare = await open(cell, server)
    const methods = [
      'tools/list',
      'resources/list',
      'resources/templates/list',
      'prompts/list',
      'completion/complete',
      'resources/subscribe',
    ]
    for (const method of methods) expect((await refused(bare.request(method))).code).toBe(-32601)

    server.tool('one', { description: 'One.' }, () => 'one')
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
    const input = { type: 'object', properties: { name: { type: 'string' } } } as const
    server.prompt('one', { description: 'One.', input, complete: { name: () => ['ada'] } }, () => 'one')
    expect(await capabilities()).toEqual({
      logging: {},
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      ...(revision !== '2024-11-05' && { completions: {} }),
    })
    const client = await open(cell, server)
    for (const method of methods.slice(0, 4)) expect(await client.request(method)).toBeTypeOf('object')
    const ref = { type: 'ref/prompt', name: 'one' }
    expect((await client.complete(ref, { name: 'name', value: '' })).values).toEqual(['ada'])
    const subscribe = client.request('resources/subscribe', { uri: 'app://one' })
    // The stateless revisions have a stream for it instead of the method.
    if (cell.stateless) expect((await refused(subscribe)).code).toBe(-32601)
    else expect(await subscribe).toEqual({})
  })

  it('9: a batch is served where the revision has it and refused elsewhere (RPC-08, RPC-10, RPC-11)', async () => {
    const client = await open(cell, twoTools())
    const call = (id: number): object => {
      const meta = {
        'io.modelcontextprotocol/protocolVersion': revision,
        'io.modelcontextprotocol/clientCapabilities': {},
      }
      return { jsonrpc: '2.0', id, method: 'tools/list', params: cell.stateless ? { _meta: meta } : {} }
    }
    const { messages, status } = await client.exchange(JSON.stringify([call(71), call(72)]))
    if (revision === '2025-03-26') {
      expect(messages).toHaveLength(1)
      const batch = messages[0] as { id: number; result: object }[]
      expect(batch.map(({ id }) => id).sort()).toEqual([71, 72])
      for (const answer of batch) expect(answer.result).toHaveProperty('tools')
    } else {
      if (http) expect(status).toBe(400)
      for (const message of messages) expect(message).toMatchObject({ error: { code: -32600 } })
      expect(JSON.stringify(messages)).not.toContain('"tools"')
      if (!http) expect(messages.map((message) => (message as { id: number }).id)).toEqual([71, 72])
    }
  })

  it('10: progress that does not increase is left out (PRG-02, PRG-03, PRG-04)', async () => {
    const { server } = testServer()
    let late: () => void = () => undefined
    server.tool('work', { description: 'Works.' }, async (_args, ctx) => {
      for (const done of [1, 1, 0, 2, Number.NaN]) await ctx.progress(done, 2, 'working')
      late = () => ctx.progress(3)
      return 'done'
    })
    const client = await open(cell, server)
    for (const progressToken of ['t', 7]) {
      const before = client.notifications.length
      const answered = await client.callTool('work', {}, { meta: { progressToken } })
      expect(textOf(answered)).toBe('done')
      // Nothing comes after an answer; what were sent now would arrive before the next answer does.
      late()
      await client.listTools()
      expect(client.notifications.slice(before)).toMatchObject([
        { method: 'notifications/progress', params: { progressToken, progress: 1, total: 2 } },
        { method: 'notifications/progress', params: { progressToken, progress: 2, total: 2 } },
      ])
    }
    // PRG-01: nobody asked, so nobody is told.
    const before = client.notifications.length
    await client.callTool('work')
    await client.listTools()
    expect(client.notifications).toHaveLength(before)
  })

  it('16: a resource that is not there is -32002 before 2026-07-28 and -32602 since (RES-04, RES-05, RES-07)', async () => {
    const { server } = testServer()
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => 'one')
    const client = await open(cell, server)
    const refusal = await refused(client.readResource('app://nobody'))
    expect(refusal.code).toBe(cell.stateless ? -32602 : -32002)
    expect(refusal.data).toEqual({ uri: 'app://nobody' })
    if (http) expect(refusal.httpStatus).toBe(200)
  })

  it('17: a handler cannot forge resultType', async () => {
    const { server } = testServer()
    server.tool('plain', { description: 'Returns data.' }, () => ({ resultType: 'task', task: { id: 1 } }))
    server.tool('full', { description: 'Returns a result.' }, () =>
      result({ content: 'x', meta: { resultType: 'task' }, ...({ resultType: 'task' } as object) }),
    )
    const client = await open(cell, server)
    const plain = (await client.callTool('plain')) as unknown as Record<string, unknown>
    const full = (await client.callTool('full')) as unknown as Record<string, unknown>
    const expected = cell.stateless ? 'complete' : undefined
    expect([plain['resultType'], full['resultType']]).toEqual([expected, expected])
    expect(plain['task']).toBeUndefined()
    if (revision >= '2025-06-18') expect(plain['structuredContent']).toMatchObject({ resultType: 'task' })
  })
})

import { createServer, type Server } from 'holdfast'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cells, connect, RequestError, revisions } from './index.js'

function server(): Server {
  const made = createServer({ name: 'kit', version: '1.0.0', development: false })
  made.tool(
    'say',
    {
      description: 'Says it.',
      input: { type: 'object', properties: { it: { type: 'string' } }, required: ['it'] },
    },
    ({ it }) => it,
  )
  made.tool('count', { description: 'Reports progress.' }, async (_args, ctx) => {
    await ctx.progress(1, 2)
    await ctx.progress(2, 2)
    return 'done'
  })
  made.tool('wait', { description: 'Waits for its end.' }, async (_args, ctx) => {
    await ctx.progress(1)
    return new Promise((_resolve, reject) =>
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)),
    )
  })
  made.prompt('größe', { description: 'A name that no header carries.' }, () => 'ok')
  onTestFinished(() => made.close({ timeoutMs: 100 }))
  return made as Server
}

describe.each(cells())('connect ($name)', ({ connect, revision, stateless, transport }) => {
  it('opens as the revision asks and calls a tool', async () => {
    const client = await connect(server())
    expect(client.initialized?.['protocolVersion']).toBe(stateless ? undefined : revision)
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['say', 'count', 'wait'])
    expect((await client.callTool('say', { it: 'höre' })).content).toEqual([{ type: 'text', text: 'höre' }])
    expect((await client.getPrompt('größe')).messages).toHaveLength(1)
    await client.close()
  })

  it('rejects with the code, message and status of a refusal', async () => {
    const client = await connect(server())
    const refusal = await client.request('no/such-method').catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(RequestError)
    expect(refusal).toMatchObject({
      code: -32601,
      message: expect.stringContaining('no/such-method') as unknown,
    })
    expect((refusal as RequestError).httpStatus).toBe(
      transport === 'http' ? (stateless ? 404 : 200) : undefined,
    )
    await client.close()
  })

  it('keeps the notifications of a call, in order and before its answer', async () => {
    const client = await connect(server())
    await client.callTool('count', {}, { meta: { progressToken: 't' } })
    expect(client.notifications.map(({ params }) => params['progress'])).toEqual([1, 2])
    expect(client.received.at(-1)).toHaveProperty('result')
    await client.close()
  })

  it('cancels a call by its signal, so that the server hears it', async () => {
    const made = server()
    const client = await connect(made)
    const cancel = new AbortController()
    const call = client.callTool('wait', {}, { meta: { progressToken: 1 }, signal: cancel.signal })
    call.catch(() => undefined)
    await client.waitFor((message) => JSON.stringify(message).includes('notifications/progress'))
    cancel.abort(new Error('enough'))
    await expect(call).rejects.toThrow()
    await expect.poll(() => made.stats().counters.cancelled).toBe(1)
    await client.close()
  })

  it('exchanges raw frames and shows when nothing comes back', async () => {
    const client = await connect(server())
    const { messages, status } = await client.exchange('{"jsonrpc":"2.0","method":"no/such-notification"}')
    expect(messages).toEqual([])
    expect(status).toBe(transport === 'http' ? 202 : undefined)
    const broken = await client.exchange('{')
    expect(broken.messages).toMatchObject([{ jsonrpc: '2.0', error: { code: -32700 } }])
    await client.close()
  })

  it('leaves the server open for the next client', async () => {
    const made = server()
    const [first, second] = [await connect(made), await connect(made)]
    await first.close()
    expect((await second.callTool('say', { it: 'still here' })).isError).toBeUndefined()
    await second.close()
    await expect(second.listTools()).rejects.toThrow('closed')
    const third = await connect(made)
    expect((await third.listTools()).tools).toHaveLength(3)
    await third.close()
  })
})

describe('connect', () => {
  it('takes memory and the newest revision by default', async () => {
    const client = await connect(server())
    expect([client.transport, client.revision]).toEqual(['memory', revisions.at(-1)])
    await client.close()
  })

  it('rejects when the server settles on another revision', async () => {
    const made = createServer({ name: 'kit', version: '1.0.0', revisions: ['2025-06-18'] })
    await expect(connect(made as Server, { revision: '2025-11-25' })).rejects.toThrow('settled on 2025-06-18')
  })

  it('gives up on an answer that does not come, and says so', async () => {
    const client = await connect(server(), { timeoutMs: 30 })
    await expect(client.callTool('wait')).rejects.toThrow('No answer came within 30 ms.')
    await client.close()
  })
})

describe('cells', () => {
  it('holds every transport in every revision, or those that are asked for', () => {
    expect(cells()).toHaveLength(15)
    expect(
      cells({ transports: ['http'], revisions: ['2026-07-28'] }).map(({ name, stateless }) => [
        name,
        stateless,
      ]),
    ).toEqual([['http, 2026-07-28', true]])
  })
})

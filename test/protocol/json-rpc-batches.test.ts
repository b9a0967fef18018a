import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { gate, open, testServer } from './support.js'

function echoing() {
  const { server } = testServer()
  server.tool('echo', { description: 'Returns what it is given.', input: { type: 'object' } }, (args) => ({
    args,
  }))
  return server
}

interface Answer {
  readonly jsonrpc: string
  readonly id?: unknown
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

describe.each(cells({ revisions: ['2025-03-26'] }))('batches ($name)', (cell) => {
  const { transport } = cell
  const request = (id: unknown, method = 'tools/list', params: object = {}): object => ({
    jsonrpc: '2.0',
    ...(id !== undefined && { id }),
    method,
    params,
  })

  it('answers each request of a mixed batch and nothing else (RPC-08)', async () => {
    const server = echoing()
    const client = await open(cell, server)
    const batch = [
      request(801),
      request(undefined, 'notifications/initialized'),
      { jsonrpc: '2.0', id: 5, result: {} },
      request('801'),
      7,
      { jsonrpc: '1.0', id: 802, method: 'ping' },
      request(803, 'no/such'),
    ]
    const { messages } = await client.exchange(JSON.stringify(batch))
    expect(messages).toHaveLength(1)
    const answers = messages[0] as Answer[]
    const byId = new Map(answers.map((answer) => [answer.id, answer]))
    expect(answers).toHaveLength(5)
    expect(byId.get(801)).toHaveProperty('result.tools')
    expect(byId.get('801')).toHaveProperty('result.tools')
    expect(byId.get(undefined)).toHaveProperty('error.code', -32600)
    expect(byId.get(802)).toHaveProperty('error.code', -32600)
    expect(byId.get(803)).toHaveProperty('error.code', -32601)
  })

  it('refuses an id that stands in the batch twice, and runs the first', async () => {
    const client = await open(cell, echoing())
    const { messages } = await client.exchange(JSON.stringify([request(811), request(811), request('811')]))
    const answers = messages[0] as Answer[]
    expect(
      answers
        .filter(({ id }) => id === 811)
        .map(({ error }) => error?.code ?? 'result')
        .sort(),
    ).toEqual([-32600, 'result'])
    expect(answers.find(({ id }) => id === '811')).toHaveProperty('result')
  })

  it('refuses initialize inside a batch (RPC-09)', async () => {
    const client = await open(cell, echoing())
    const params = {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 'x', version: '0' },
    }
    const { messages } = await client.exchange(
      JSON.stringify([request(821, 'initialize', params), request(822)]),
    )
    const answers = messages[0] as Answer[]
    expect(answers.find(({ id }) => id === 821)).toHaveProperty('error.code', -32600)
    expect(answers.find(({ id }) => id === 822)).toHaveProperty('result')
  })

  it('refuses an empty batch and one that is too large, whole', async () => {
    const { server } = testServer({ limits: { maxBatch: 3 } })
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    const empty = await client.exchange('[]')
    expect(empty.messages).toMatchObject([{ error: { code: -32600 } }])
    const large = await client.exchange(JSON.stringify([1, 2, 3, 4].map((id) => request(830 + id))))
    expect(large.messages).toMatchObject([
      { error: { code: -32600, message: expect.stringContaining('3') as string } },
    ])
    const fits = await client.exchange(JSON.stringify([1, 2, 3].map((id) => request(840 + id))))
    expect(fits.messages[0]).toHaveLength(3)
  })

  it('says nothing to a batch without requests', async () => {
    const client = await open(cell, echoing())
    const { messages, status } = await client.exchange(
      JSON.stringify([
        request(undefined, 'notifications/initialized'),
        { jsonrpc: '2.0', id: 5, result: {} },
      ]),
    )
    expect(messages).toEqual([])
    if (transport === 'http') expect(status).toBe(202)
  })

  it('waits for the slow ones and cancels one of them by its id', async () => {
    const { server } = testServer()
    const started = gate()
    server.tool('stuck', { description: 'Never ends.' }, () => {
      started.open()
      return new Promise(() => undefined)
    })
    const client = await open(cell, server)
    const posted = client.exchange(
      JSON.stringify([request(851, 'tools/call', { name: 'stuck' }), request(852)]),
    )
    posted.catch(() => undefined)
    await started.opened
    await client.notify('notifications/cancelled', { requestId: 851 })
    const answer = (await client.waitFor(
      (message) => Array.isArray(message) && message.some((one: Answer) => one.id === 852),
    )) as Answer[]
    expect(answer.map(({ id }) => id)).toEqual([852])
  })
})

describe('before a connection is opened', () => {
  it.each(cells({ transports: ['memory', 'stdio'], revisions: ['2025-03-26'] }))(
    'refuses a batch with initialize, each request by its id ($name)',
    async (cell) => {
      const client = await open(cell, echoing(), { open: false })
      const frame = JSON.stringify([{ jsonrpc: '2.0', id: 'i', method: 'initialize', params: {} }])
      expect((await client.exchange(frame)).messages).toMatchObject([{ id: 'i', error: { code: -32600 } }])
      expect((await client.initialize())['protocolVersion']).toBe('2025-03-26')
    },
  )
})

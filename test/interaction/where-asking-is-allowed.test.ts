import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from '../protocol/support.js'
import {
  ableClient,
  accept,
  asking,
  askingCells,
  byReplay,
  type Ctx,
  fillsIn,
  inMemory,
  nameForm,
  type Round,
} from './support.js'

const greet = async (ctx: Ctx): Promise<string> => {
  const answer = await ctx.elicit(nameForm)
  return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : 'Hello!'
}

function served(options: Parameters<typeof testServer>[0] = {}) {
  const { server, logged } = testServer(options)
  server.prompt('greet', { description: 'Greets.' }, (_args, ctx) => greet(ctx))
  server.resource('note', { description: 'A note.', uri: 'note://one' }, (_request, ctx) => greet(ctx))
  server.resource('page', { description: 'A page.', uriTemplate: 'page://{id}' }, (_request, ctx) =>
    greet(ctx),
  )
  return { server, logged }
}

describe.each(askingCells)('$name', (cell) => {
  it('a prompt may ask', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    const { messages } = await client.getPrompt('greet')
    expect(messages).toEqual([{ role: 'user', content: { type: 'text', text: 'Hello, Ada!' } }])
  })

  it.each(['note://one', 'page://two'])('a resource may ask: %s', async (uri) => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    expect((await client.readResource(uri)).contents).toMatchObject([{ text: 'Hello, Ada!' }])
  })

  it('a prompt or resource that cannot ask says what the client lacks', async () => {
    const { server } = served()
    const client = await open(cell, server)
    for (const work of [() => client.getPrompt('greet'), () => client.readResource('note://one')]) {
      const refusal = await refused(work())
      expect(refusal.data).toMatchObject({ requiredCapabilities: { elicitation: {} } })
      expect(refusal.code).toBe(-32021)
    }
  })

  it.each<readonly [what: string, ask: (ctx: Ctx) => Promise<unknown>]>([
    ['a question', (ctx) => ctx.elicit(nameForm)],
    ['a question that is caught', (ctx) => ctx.elicit(nameForm).catch(() => undefined)],
  ])('MRT-01 a completion may not ask: %s', async (what, ask) => {
    const { server, logged } = testServer()
    const complete = async (_value: string, ctx: Ctx): Promise<string[]> => {
      await ask(ctx)
      return ['x']
    }
    const input = {
      type: 'object',
      properties: { a: { type: 'string', description: 'One.' } },
      required: ['a'],
    } as const
    server.prompt('greet', { description: 'Greets.', input, complete: { a: complete } }, () => 'Hello!')
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    const work = client.complete({ type: 'ref/prompt', name: 'greet' }, { name: 'a', value: '' })
    if (what.includes('caught')) {
      expect((await work).values).toEqual(['x'])
    } else {
      const refusal = await refused(work)
      expect([refusal.code, refusal.message]).toEqual([-32603, expect.stringContaining('its log says why')])
      expect(String(logged.at(-1)?.fields['error'])).toMatch(
        /list or a completion, where nothing can be asked/,
      )
    }
    expect(client.serverRequests).toEqual([])
    expect(JSON.stringify(client.received)).not.toContain('input_required')
  })

  it('MRT-01 a list may not ask', async () => {
    const { server, logged } = testServer()
    server.resource(
      'page',
      {
        description: 'A page.',
        uriTemplate: 'page://{id}',
        list: async (ctx) => {
          await ctx.elicit(nameForm)
          return []
        },
      },
      () => 'x',
    )
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    const refusal = await refused(client.request('resources/list'))
    expect([refusal.code, refusal.message]).toEqual([-32603, expect.stringContaining('its log says why')])
    expect(String(logged.at(-1)?.fields['error'])).toMatch(/list or a completion, where nothing can be asked/)
    expect(client.serverRequests).toEqual([])
  })

  it('a middleware may ask, and the handler waits for the answer', async () => {
    const { server } = testServer()
    let runs = 0
    server.use(async (call, next) => {
      const { action } = await call.ctx.elicit(nameForm)
      return action === 'accept' ? next() : 'not allowed'
    })
    server.tool('ask', { description: 'Does it.' }, () => {
      runs += 1
      return 'done'
    })
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    expect([textOf(await client.callTool('ask')), runs]).toEqual(['done', 1])
  })
})

describe.each(cells({ transports: inMemory, revisions: asking }))('$name', (cell) => {
  it('something may be done once in a list or a completion: that asks nobody anything', async () => {
    const { server } = testServer()
    const list = async (ctx: Ctx) => ctx.once('pages', () => [{ uri: 'page://1', name: 'one' }])
    server.resource('page', { description: 'A page.', uriTemplate: 'page://{id}', list }, () => 'x')
    const client = await open(cell, server)
    expect(await client.request('resources/list')).toMatchObject({ resources: [{ uri: 'page://1' }] })
  })
})

describe.each(cells({ revisions: byReplay }))('$name', (cell) => {
  it.each([
    ['prompts/get', { name: 'greet' }],
    ['resources/read', { uri: 'note://one' }],
    ['resources/read', { uri: 'page://two' }],
  ])(
    'MRT-02 %s is answered by its question first, and its state counts for nothing else',
    async (method, params) => {
      const { server } = served()
      const client = await open(cell, server, { capabilities: ableClient })
      const first = await client.request<Round>(method, params)
      expect(first).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
      expect(first).not.toHaveProperty('ttlMs')
      const [key = ''] = Object.keys(first.inputRequests ?? {})
      const back = { requestState: first.requestState, inputResponses: { [key]: accept({ name: 'Ada' }) } }
      const others = [
        ['prompts/get', { name: 'greet' }],
        ['resources/read', { uri: 'note://one' }],
        ['resources/read', { uri: 'page://two' }],
        ['resources/read', { uri: 'page://three' }],
      ] as const
      for (const [other, named] of others) {
        const same = other === method && JSON.stringify(named) === JSON.stringify(params)
        const work = client.request(other, { ...named, ...back })
        if (same) expect(JSON.stringify(await work)).toContain('Hello, Ada!')
        else expect((await refused(work)).code).toBe(-32602)
      }
    },
  )

  it('a prompt that never settles down is refused with what to do', async () => {
    const { server } = testServer()
    let asked = 0
    server.prompt('ask', { description: 'Asks.' }, async (_args, ctx) => {
      asked += 1
      return (await ctx.elicit({ ...nameForm, message: `Question ${asked}` })).action
    })
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    const refusal = await refused(client.getPrompt('ask'))
    expect([refusal.code, refusal.data]).toEqual([-32603, expect.objectContaining({ code: 'unanswered' })])
    expect(asked).toBe(8)
  })
})

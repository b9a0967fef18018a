import type { SamplingQuestion } from 'holdfast'
import { cells, type Message, type Revision } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, testServer, textOf } from '../protocol/support.js'
import { ableClient, asked, type Ctx, codeOf, keyOf, round } from './support.js'

const withPages: readonly Revision[] = ['2025-11-25', '2026-07-28']
const page = { message: 'Please pay.', url: 'https://pay.example/1' } as const

describe.each(cells({ revisions: withPages }))('$name', (cell) => {
  it('ELI-04, ELI-07 a page is asked for by its address; only 2025-11-25 gives it an id', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicitUrl(page)), {
      answers: { 'elicitation/create': (params) => ({ action: 'accept', content: { params } }) },
    })
    expect(textOf(await client.callTool('ask'))).toBe('{"action":"accept"}')
    const sent = JSON.stringify(client.received)
    expect(sent).toContain('"mode":"url","message":"Please pay.","url":"https://pay.example/1"')
    expect(sent.includes('elicitationId')).toBe(cell.revision === '2025-11-25')
  })

  it('ELI-07 an id that the author gives is told again when the page is done, and only in 2025-11-25', async () => {
    const { client } = await asked(
      cell,
      async (ctx) => {
        const { action } = await ctx.elicitUrl({ ...page, elicitationId: 'pay-1' })
        await ctx.elicitationComplete('pay-1')
        return action
      },
      { answers: { 'elicitation/create': () => ({ action: 'accept' }) } },
    )
    expect(textOf(await client.callTool('ask'))).toBe('accept')
    const done = client.notifications.filter(({ method }) => method === 'notifications/elicitation/complete')
    const told = cell.revision === '2025-11-25' ? [{ elicitationId: 'pay-1' }] : []
    expect(done.map(({ params }) => params)).toEqual(told)
  })

  it.each(['decline', 'cancel'])('ELI-08 a page that is answered by %s is that answer', async (action) => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicitUrl(page)), {
      answers: { 'elicitation/create': () => ({ action }) },
    })
    expect(textOf(await client.callTool('ask'))).toBe(JSON.stringify({ action }))
  })
})

describe.each(cells({ transports: ['memory'], revisions: withPages }))('$name', (cell) => {
  it.each([
    ['no address', 'pay.example/1'],
    ['a script', 'javascript:alert(1)'],
    ['a file', 'file:///etc/passwd'],
    ['plain http to another host', 'http://pay.example/1'],
    ['a password in it', 'https://ada:hunter2@pay.example/1'],
    [
      'a token in it',
      'https://pay.example/?access_token=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
    ],
  ])('ELI-04 a page with %s is refused, and the log says why', async (_what, url) => {
    const { client, logged } = await asked(cell, async (ctx) =>
      JSON.stringify(await ctx.elicitUrl({ ...page, url })),
    )
    const result = await client.callTool('ask')
    expect(codeOf(result)).toBe('internal')
    expect(String(logged.at(-1)?.fields['error'])).toContain('FormFault')
    expect(client.serverRequests).toEqual([])
  })

  it.each(['', '   '])('a question without words is refused, of either kind (%j)', async (message) => {
    const schema = { type: 'object', properties: { name: { type: 'string' } } } as const
    for (const ask of [
      (ctx: Ctx) => ctx.elicit({ message, schema }),
      (ctx: Ctx) => ctx.elicitUrl({ ...page, message }),
    ]) {
      const { client, logged } = await asked(cell, async (ctx) => JSON.stringify(await ask(ctx)))
      expect(codeOf(await client.callTool('ask'))).toBe('internal')
      expect(String(logged.at(-1)?.fields['error'])).toContain('needs a "message"')
    }
  })

  it.each(['http://localhost:3000/pay', 'http://127.0.0.1/pay', 'http://[::1]:8080/pay'])(
    'ELI-04 a page on this machine may be plain http: %s',
    async (url) => {
      const { client } = await asked(cell, async (ctx) => (await ctx.elicitUrl({ ...page, url })).action, {
        answers: { 'elicitation/create': () => ({ action: 'accept' }) },
      })
      expect(textOf(await client.callTool('ask'))).toBe('accept')
    },
  )
})

const conversation: SamplingQuestion['messages'] = [
  { role: 'user', content: { type: 'text', text: 'One.' } },
  {
    role: 'assistant',
    content: [
      { type: 'text', text: 'Two.' },
      { type: 'text', text: 'Three.' },
    ],
  },
]
const sampled = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Four.' } }

/** What the client's model is asked with. */
async function sampleParams(
  cell: Parameters<typeof asked>[0],
  question: Partial<SamplingQuestion>,
  sampling: object = { tools: {}, context: {} },
): Promise<Message> {
  const { server } = testServer()
  let params: Message = {}
  server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => {
    const { content } = await ctx.sample({ messages: conversation, maxTokens: 9, ...question })
    return JSON.stringify(content)
  })
  const client = await open(cell, server, {
    capabilities: { sampling },
    answers: {
      'sampling/createMessage': (came) => {
        params = came
        return sampled
      },
    },
  })
  expect(textOf(await client.callTool('ask'))).toContain('Four.')
  return params
}

describe.each(cells())('$name', (cell) => {
  it('before 2025-11-25 a message has one block, so one of several is several messages', async () => {
    const { messages } = await sampleParams(cell, {})
    const one = (role: string, text: string) => ({ role, content: { type: 'text', text } })
    const split = [one('user', 'One.'), one('assistant', 'Two.'), one('assistant', 'Three.')]
    expect(messages).toEqual(cell.revision < '2025-11-25' ? split : conversation)
  })

  it('what else a model is asked with arrives as it was given, and the key stays here', async () => {
    const question = {
      systemPrompt: 'Be brief.',
      temperature: 0.5,
      stopSequences: ['.'],
      modelPreferences: { hints: [{ name: 'small' }], speedPriority: 1 },
      metadata: { a: 1 },
    }
    const params = await sampleParams(cell, { ...question, key: 'greeting' })
    expect(params).toEqual({ messages: params['messages'], maxTokens: 9, ...question })
  })

  it('SMP-02 what of its context a client should add is only said where it says that it can', async () => {
    const question = { includeContext: 'thisServer' } as const
    const told = await sampleParams(cell, question)
    expect(told['includeContext']).toBe('thisServer')
    const unable = await sampleParams(cell, question, {})
    const expected = cell.revision < '2025-11-25' ? 'thisServer' : undefined
    expect(unable['includeContext']).toBe(expected)
  })

  it.each([
    { type: 'tool_use', id: 't', name: 'look', input: {} },
    { type: 'tool_result', toolUseId: 't', content: [{ type: 'text', text: 'Seen.' }] },
  ] as const)('SMP-02 a $type is only for models of clients that have tools', async (block) => {
    const messages = [{ role: 'user', content: [block] }] as const
    const work = { messages, maxTokens: 9 }
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => (await ctx.sample(work)).model)
    const client = await open(cell, server, {
      capabilities: { sampling: {} },
      answers: { 'sampling/createMessage': () => sampled },
    })
    const said = await client.callTool('ask').then(textOf, (error: Error) => error.message)
    expect([said, client.serverRequests]).toEqual([expect.stringContaining('sampling.tools'), []])
  })

  it('the roots of a client come as it gives them', async () => {
    const roots = [{ uri: 'file:///home/ada', name: 'Home' }, { uri: 'file:///tmp' }]
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.roots()), {
      answers: { 'roots/list': () => ({ roots }) },
    })
    expect(textOf(await client.callTool('ask'))).toBe(JSON.stringify(roots))
  })
})

describe.each(cells({ transports: ['memory'], revisions: ['2026-07-28'] }))('$name', (cell) => {
  it('a page whose address is made in `once` is the same page in each round', async () => {
    const { client } = await asked(cell, async (ctx) => {
      const id = await ctx.once('id', () => crypto.randomUUID())
      return (await ctx.elicitUrl({ ...page, url: `https://pay.example/${id}` })).action
    })
    const first = await round(client, 'ask')
    const inputResponses = { [keyOf(first)]: { action: 'accept' } }
    const second = await round(client, 'ask', { requestState: first.requestState, inputResponses })
    expect(textOf(second)).toBe('accept')
  })

  it('questions are counted once for each time that a client is asked', async () => {
    const { client, server } = await asked(
      cell,
      async (ctx) => [await ctx.roots({ key: 'a' }), await ctx.roots({ key: 'b' })].length,
      { answers: { 'roots/list': () => ({ roots: [] }) } },
    )
    await client.callTool('ask')
    expect(server.stats().counters.questions).toBe(2)
  })
})

describe.each(cells({ transports: ['memory'], revisions: ['2025-11-25'] }))('$name', (cell) => {
  it('questions are counted once for each time that a client is asked', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => String((await ctx.roots()).length))
    const answers = [{ roots: 'none' }, { roots: [] }]
    const client = await open(cell, server, {
      capabilities: ableClient,
      answers: { 'roots/list': () => answers.shift() },
    })
    await client.callTool('ask')
    expect([client.serverRequests.length, server.stats().counters.questions]).toEqual([2, 2])
  })
})

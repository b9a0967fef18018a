import type { ClientCapabilities, Server } from 'holdfast'
import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from '../protocol/support.js'

const both = { transports: ['stdio', 'http'] } as const
const handshake = ['2025-06-18', '2025-11-25'] as const
const newest = '2026-07-28'
const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } as const
const form = { message: 'Who are you?', schema }
const page = { message: 'Connect your account.', url: 'https://example.com/connect/4f1c' }

/** A server whose tools ask by a form and by a page, as they are and with all that a definition can say of it. */
function asking(): Server<Readonly<Record<string, unknown>>> {
  const { server } = testServer()
  server.tool('form', { description: 'Asks by a form.' }, async (_args, ctx) =>
    JSON.stringify(await ctx.elicit(form)),
  )
  server.tool('page', { description: 'Asks by a page.' }, async (_args, ctx) =>
    JSON.stringify(await ctx.elicitUrl({ ...page, elicitationId: 'by-the-author' })),
  )
  const needs = { description: 'Needs a form.', requires: ['elicitation'] } as const
  server.tool('needs', needs, async (_args, ctx) => (await ctx.elicit(form)).action)
  const fallbacks = {
    elicitation: () => ({ action: 'decline' }) as const,
    'elicitation.url': () => ({ action: 'cancel' }) as const,
  }
  server.tool('falls-back', { description: 'Asks, or does without.', fallbacks }, async (_args, ctx) => {
    const actions = [(await ctx.elicit(form)).action, (await ctx.elicitUrl(page)).action]
    return actions.join()
  })
  return server
}

/** A client's answers to every question, and the questions. */
function answering(answer: (params: Message) => unknown): {
  readonly questions: Message[]
  readonly answers: Readonly<Record<string, (params: Message) => unknown>>
} {
  const questions: Message[] = []
  const take = (params: Message): unknown => {
    questions.push(params)
    return answer(params)
  }
  return { questions, answers: { 'elicitation/create': take } }
}

const accepting = () => answering(({ mode }) => (mode === 'url' ? { action: 'accept' } : accept('Ada')))
const accept = (name: unknown): object => ({ action: 'accept', content: { name } })
const modes = (questions: readonly Message[]): unknown[] => questions.map(({ mode }) => mode)

describe.each(cells({ ...both, revisions: handshake }))('$name', (cell) => {
  it.each([{}, { elicitation: null }, { elicitation: true }, { sampling: {}, roots: {} }])(
    'asks nothing of a client that declared %j, and answers its calls (ELI-01)',
    async (capabilities) => {
      const { questions, answers } = accepting()
      const client = await open(cell, asking(), {
        capabilities: capabilities as ClientCapabilities,
        answers,
      })
      for (const name of ['form', 'page', 'needs']) {
        const result = await client.callTool(name)
        expect([name, result.isError, textOf(result)]).toEqual([
          name,
          true,
          expect.stringContaining('elicitation') as string,
        ])
      }
      expect(textOf(await client.callTool('falls-back'))).toBe('decline,cancel')
      expect([questions, client.serverRequests]).toEqual([[], []])
    },
  )
})

describe.each(cells({ ...both, revisions: [...handshake, newest] }))('$name', (cell) => {
  it('tells a handler what the user chose, whatever it was (ELI-08)', async () => {
    for (const answer of [{ action: 'decline' }, { action: 'cancel' }, accept('Ada')]) {
      const { questions, answers } = answering(() => answer)
      const client = await open(cell, asking(), { capabilities: { elicitation: {} }, answers })
      expect(JSON.parse(textOf(await client.callTool('form')))).toEqual(answer)
      expect(questions).toHaveLength(1)
    }
  })

  it('ends a call whose client answers with an error or with nonsense, and goes on (ELI-08)', async () => {
    const server = asking()
    const given: unknown[] = []
    const wrong = [
      accept(7),
      accept(undefined),
      { action: 'maybe' },
      {},
      { action: 'accept', content: 'Ada' },
    ]
    for (const answer of wrong) {
      const { questions, answers } = answering(() => {
        given.push(answer)
        return answer
      })
      const client = await open(cell, server, { capabilities: { elicitation: {} }, answers })
      const result = await client.callTool('form')
      expect([answer, result.isError, textOf(result)]).toEqual([
        answer,
        true,
        expect.stringMatching(/\w.*\./),
      ])
      // It is asked again, with what was wrong, but not for ever.
      expect(questions.length).toBeGreaterThan(1)
      expect(questions.length).toBeLessThan(20)
    }
    const client = await open(cell, server, { capabilities: { elicitation: {} } })
    if (cell.stateless) {
      const { requestState, inputRequests } = (await client.callTool('form')) as unknown as Message
      const [key = ''] = Object.keys(inputRequests as object)
      const inputResponses = { [key]: { code: -32603, message: 'The user is away.' } }
      const params = { name: 'form', arguments: {}, requestState, inputResponses }
      const again = await client.request('tools/call', params)
      expect(again).toMatchObject({ resultType: 'input_required', inputRequests: { [key]: {} } })
    } else {
      // It has no answer, so it sends an error.
      const result = await client.callTool('form')
      expect([result.isError, textOf(result)]).toEqual([
        true,
        expect.stringContaining('knows no elicitation'),
      ])
      expect(client.serverRequests).toHaveLength(1)
    }
    expect(await client.listTools()).toHaveProperty('tools')
  })
})

describe.each(cells({ ...both, revisions: ['2025-11-25', newest] }))('$name', (cell) => {
  /** Which of these addresses a client is asked to open. */
  async function opened(urls: readonly string[]): Promise<readonly unknown[]> {
    const { server } = testServer()
    const input = { type: 'object', properties: { url: { type: 'string' } }, required: ['url'] } as const
    server.tool('page', { description: 'Asks by a page.', input }, async ({ url }, ctx) =>
      JSON.stringify(await ctx.elicitUrl({ message: 'Open it.', url })),
    )
    const { questions, answers } = accepting()
    const client = await open(cell, server, { capabilities: { elicitation: { url: {} } }, answers })
    for (const url of urls) {
      const before = questions.length
      const { isError } = await client.callTool('page', { url })
      expect([url, isError]).toEqual([url, questions.length > before ? undefined : true])
    }
    return questions.map(({ url }) => url)
  }

  it('asks to open whole addresses of the Web (ELI-04)', async () => {
    const fine = ['https://example.com/connect/4f1c?step=2', 'http://127.0.0.1:3000/x', 'http://localhost/x']
    const wrong = [
      '',
      'no address',
      '/connect',
      '//example.com/x',
      'ftp://example.com/x',
      'javascript:void(0)',
    ]
    expect(await opened([...fine, ...wrong, 'https://', 'data:text/html,x'])).toEqual(fine)
  })

  it('asks to open no page that travels in clear, except on the same machine (ELI-04)', async () => {
    const clear = ['http://example.com/connect', 'http://192.0.2.7/', 'http://localhost.example.com/']
    expect(await opened(clear)).toEqual([])
  })

  it('asks to open no page whose address holds a secret or says who the user is (ELI-04)', async () => {
    const base = 'https://example.com/connect'
    const telling = [
      'https://ada:hunter2@example.com/connect',
      `${base}?token=4f1c`,
      `${base}?access_token=4f1c`,
      `${base}?api_key=4f1c`,
      `${base}?password=hunter2`,
      `${base}#access_token=4f1c`,
      `${base}?email=ada%40example.com`,
    ]
    expect(await opened(telling)).toEqual([])
  })

  it.each([
    [{ form: {} }, ['form']],
    [{}, ['form']],
    [{ url: {} }, ['page']],
    [{ form: {}, url: {} }, ['form', 'page']],
  ])('asks a client that declared %j by these ways alone: %j (ELI-05)', async (elicitation, served) => {
    const { questions, answers } = accepting()
    const client = await open(cell, asking(), { capabilities: { elicitation }, answers })
    for (const name of ['form', 'page']) {
      const call = client.callTool(name)
      if (served.includes(name)) expect((await call).isError).toBeUndefined()
      else if (cell.stateless) expect((await refused(call)).code).toBe(-32021)
      else expect((await call).isError).toBe(true)
    }
    await client.callTool('falls-back')
    const expected = served.map((name) => (name === 'page' ? 'url' : 'form'))
    expect(modes(questions)).toEqual([...expected, ...expected])
  })
})

describe.each(cells({ ...both, revisions: ['2025-11-25'] }))('$name', (cell) => {
  it('asks by a page with a request that has an id, and never by the error -32042 (ELI-06)', async () => {
    const { questions, answers } = accepting()
    for (const capabilities of [{}, { elicitation: {} }, { elicitation: { url: {} } }]) {
      const client = await open(cell, asking(), { capabilities, answers })
      for (const name of ['form', 'page', 'needs', 'falls-back']) await client.callTool(name)
      expect((client.received as Message[]).filter((message) => 'error' in message)).toEqual([])
    }
    const byPage = questions.filter(({ mode }) => mode === 'url')
    const elicitationId = expect.stringMatching(/\S/) as string
    expect(byPage).toEqual([
      { mode: 'url', ...page, elicitationId: 'by-the-author' },
      { mode: 'url', ...page, elicitationId },
    ])
  })
})

describe.each(cells({ ...both, revisions: [newest] }))('$name', (cell) => {
  it('asks by a page without an id, tells of no end and never sends the error -32042 (ELI-07)', async () => {
    const server = asking()
    server.tool('tells', { description: 'Asks by a page and tells of its end.' }, async (_args, ctx) => {
      await ctx.elicitUrl({ ...page, elicitationId: 'by-the-author' })
      await ctx.elicitationComplete('by-the-author')
      return 'told'
    })
    const { questions, answers } = accepting()
    const codes: number[] = []
    for (const capabilities of [{}, { elicitation: {} }, { elicitation: { url: {} } }]) {
      const client = await open(cell, server, { capabilities, answers })
      for (const name of ['form', 'page', 'needs', 'falls-back', 'tells']) {
        await client.callTool(name).catch(({ code }: { code: number }) => codes.push(code))
      }
      expect(client.notifications).toEqual([])
      expect(JSON.stringify(client.received)).not.toContain('elicitationId')
    }
    expect(questions.filter(({ mode }) => mode === 'url')).toEqual(Array(3).fill({ mode: 'url', ...page }))
    expect(new Set(codes)).toEqual(new Set([-32021]))
  })
})

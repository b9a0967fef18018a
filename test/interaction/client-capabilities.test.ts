import type { ClientCapabilities, Fallbacks } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from '../protocol/support.js'
import { accept, askingCells, byReplay, type Ctx, codeOf, fillsIn, inMemory, nameForm } from './support.js'

const messages = [{ role: 'user', content: { type: 'text', text: 'Hi' } }] as const
const page = { message: 'Please pay.', url: 'https://pay.example/1' } as const
const tool = { name: 'add', description: 'Adds.', inputSchema: { type: 'object' } } as const

type Feature = 'elicitation' | 'elicitation.url' | 'sampling' | 'sampling.tools' | 'roots'

const questions: readonly (readonly [
  feature: Feature,
  ask: (ctx: Ctx) => Promise<unknown>,
  needed: object,
])[] = [
  ['elicitation', (ctx) => ctx.elicit(nameForm), { elicitation: {} }],
  ['elicitation.url', (ctx) => ctx.elicitUrl(page), { elicitation: { url: {} } }],
  ['sampling', (ctx) => ctx.sample({ messages, maxTokens: 9 }), { sampling: {} }],
  [
    'sampling.tools',
    (ctx) => ctx.sample({ messages, maxTokens: 9, tools: [tool] }),
    { sampling: { tools: {} } },
  ],
  ['roots', (ctx) => ctx.roots(), { roots: {} }],
]

/** What each kind of question falls back to in these tests. */
const fallbacks: Fallbacks = {
  elicitation: () => ({ action: 'accept', content: { name: 'Nobody' } }),
  'elicitation.url': () => ({ action: 'cancel' }),
  sampling: () => ({ role: 'assistant', model: 'none', content: { type: 'text', text: 'No model.' } }),
  roots: () => [{ uri: 'file:///nowhere' }],
}

/** Everything but one, as a client would declare it. */
function allBut(feature: Feature): ClientCapabilities {
  return {
    ...(feature !== 'elicitation' && feature !== 'elicitation.url' && { elicitation: { form: {}, url: {} } }),
    ...(feature === 'elicitation' && { elicitation: { url: {} } }),
    ...(feature === 'elicitation.url' && { elicitation: { form: {} } }),
    ...(feature !== 'sampling' && { sampling: feature === 'sampling.tools' ? {} : { tools: {} } }),
    ...(feature !== 'roots' && { roots: {} }),
  }
}

const everyCell = cells()

describe.each(everyCell)('$name', (cell) => {
  it.each(questions)(
    'ELI-01, ELI-05, SMP-01, MRT-04 a client without %s is never asked for it, and told what it lacks',
    async (feature, ask, needed) => {
      const { server } = testServer()
      server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => JSON.stringify(await ask(ctx)))
      const client = await open(cell, server, { capabilities: allBut(feature), answers: fillsIn })
      if (cell.stateless) {
        const refusal = await refused(client.callTool('ask'))
        expect(refusal).toMatchObject({ code: -32021, data: { requiredCapabilities: needed } })
      } else {
        const result = await client.callTool('ask')
        expect([codeOf(result), result.isError]).toEqual(['missing_client_capability', true])
        expect(textOf(result)).toContain(`needs a client that can do ${feature}`)
      }
      expect(client.serverRequests).toEqual([])
    },
  )

  it.each(questions.filter(([feature]) => feature !== 'sampling.tools'))(
    'a client without %s gets what the fallback says, in its place',
    async (feature, ask) => {
      const { server } = testServer()
      const [withFallback, requires] = [{ fallbacks }, { requires: [feature], fallbacks }]
      for (const [name, more] of Object.entries({ ask: withFallback, requires })) {
        server.tool(name, { description: 'Asks.', ...more }, async (_args, ctx) =>
          JSON.stringify(await ask(ctx)),
        )
      }
      const client = await open(cell, server, { capabilities: allBut(feature) })
      for (const name of ['ask', 'requires']) {
        const result = await client.callTool(name)
        expect(result.isError).toBeUndefined()
        expect(textOf(result)).toMatch(/Nobody|cancel|No model|nowhere/)
      }
      expect(client.serverRequests).toEqual([])
    },
  )

  it('what a fallback says is checked: one that does not fit is the mistake of the author', async () => {
    const { server, logged } = testServer()
    const elicitation = () => accept({ name: 7 }) as { action: 'accept'; content: unknown }
    server.tool('ask', { description: 'Asks.', fallbacks: { elicitation } }, async (_args, ctx) =>
      JSON.stringify(await ctx.elicit(nameForm)),
    )
    const client = await open(cell, server)
    expect(codeOf(await client.callTool('ask'))).toBe('internal')
    const [record] = logged.filter(({ level }) => level === 'error')
    expect(String(record?.fields['error'])).toMatch(
      /The fallback of "ask" gave what its question does not take/,
    )
  })
})

describe.each(cells({ transports: inMemory }))('$name', (cell) => {
  it('a client whose model cannot use tools gets the fallback of the model where tools are needed', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.', fallbacks }, async (_args, ctx) =>
      JSON.stringify(await ctx.sample({ messages, maxTokens: 9, tools: [tool] })),
    )
    const client = await open(cell, server, { capabilities: { sampling: {} } })
    const result = await client.callTool('ask').catch((error: unknown) => error)
    expect(JSON.stringify(result)).toContain('No model.')
  })

  it('a fallback stands in for a form that only newer revisions have', async () => {
    const { server } = testServer()
    const schema = {
      type: 'object',
      properties: { days: { type: 'array', items: { type: 'string', enum: ['mon', 'tue'] } } },
      required: ['days'],
    } as const
    const elicitation = () => accept({ days: ['tue'] }) as { action: 'accept'; content: unknown }
    server.tool('ask', { description: 'Asks.', fallbacks: { elicitation } }, async (_args, ctx) =>
      JSON.stringify(await ctx.elicit({ message: 'Which days?', schema })),
    )
    const client = await open(cell, server)
    expect(textOf(await client.callTool('ask'))).toBe('{"action":"accept","content":{"days":["tue"]}}')
  })
})

describe.each(askingCells)('$name', (cell) => {
  it('a client that can be asked is asked, whatever the fallback would say', async () => {
    const { server } = testServer()
    const more = { requires: ['elicitation'], fallbacks } as const
    server.tool('ask', { description: 'Asks.', ...more }, async (_args, ctx) => {
      const answer = await ctx.elicit(nameForm)
      return answer.action === 'accept' ? answer.content.name : answer.action
    })
    const client = await open(cell, server, { capabilities: { elicitation: {} }, answers: fillsIn })
    expect(textOf(await client.callTool('ask'))).toBe('Ada')
  })

  it('a handler may ask what the client can do, and ask nothing of it', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) =>
      ctx.supports('elicitation') ? (await ctx.elicit(nameForm)).action : 'not asked',
    )
    const unable = await open(cell, server)
    expect(textOf(await unable.callTool('ask'))).toBe('not asked')
    const able = await open(cell, server, { capabilities: { elicitation: {} }, answers: fillsIn })
    expect(textOf(await able.callTool('ask'))).toBe('accept')
  })

  it('a client that declares its capabilities as null or as a number declares none', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) =>
      String(ctx.supports('elicitation') || ctx.supports('sampling') || ctx.supports('roots')),
    )
    const capabilities = JSON.parse('{"elicitation":null,"sampling":7,"roots":"yes"}') as ClientCapabilities
    const client = await open(cell, server, { capabilities })
    expect(textOf(await client.callTool('ask'))).toBe('false')
  })
})

describe.each(cells({ revisions: byReplay }))('$name', (cell) => {
  it('what a request declares counts for that round: an answer from a client that cannot is not needed', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => (await ctx.elicit(nameForm)).action)
    const client = await open(cell, server, { capabilities: { elicitation: {} } })
    const first = await client.request<{ requestState: string }>('tools/call', { name: 'ask', arguments: {} })
    const unable = { 'io.modelcontextprotocol/clientCapabilities': {} }
    const back = { name: 'ask', arguments: {}, requestState: first.requestState }
    expect((await refused(client.request('tools/call', back, { meta: unable }))).code).toBe(-32021)
  })
})

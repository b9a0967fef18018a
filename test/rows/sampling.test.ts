import type { SamplingRequest, Server } from 'holdfast'
import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from '../protocol/support.js'

const both = { transports: ['stdio', 'http'] } as const
const messages = [
  { role: 'user', content: { type: 'text', text: 'What is the capital of France?' } },
] as const
const tool = { name: 'look-up', description: 'Looks it up.', inputSchema: { type: 'object' } } as const
const answer = { role: 'assistant', model: 'a-model', content: { type: 'text', text: 'Paris' } } as const

const questions: Readonly<Record<string, Partial<SamplingRequest>>> = {
  plain: {},
  tools: { tools: [tool] },
  choice: { toolChoice: { mode: 'none' } },
  'no-context': { includeContext: 'none' },
  'this-server': { includeContext: 'thisServer' },
  'all-servers': { includeContext: 'allServers' },
}

/** A server with a tool for each question, and one that does without where it cannot ask. */
function sampling(): Server<Readonly<Record<string, unknown>>> {
  const { server } = testServer()
  for (const [name, more] of Object.entries(questions)) {
    server.tool(name, { description: 'Asks the model.' }, async (_args, ctx) => {
      const { content } = await ctx.sample({ messages, maxTokens: 10, ...more })
      return JSON.stringify(content)
    })
  }
  server.tool('degrades', { description: 'Asks what can be asked.' }, async (_args, ctx) => {
    if (ctx.supports('sampling.tools')) await ctx.sample({ messages, maxTokens: 10, tools: [tool] })
    else if (ctx.supports('sampling')) await ctx.sample({ messages, maxTokens: 10 })
    return 'done'
  })
  const fallbacks = { sampling: () => answer }
  server.tool('falls-back', { description: 'Asks, or does without.', fallbacks }, async (_args, ctx) => {
    const { content } = await ctx.sample({ messages, maxTokens: 10 })
    return JSON.stringify(content)
  })
  return server
}

/** A client that answers, and what it was asked. */
function model(): {
  readonly asked: Message[]
  readonly answers: Record<string, (params: Message) => unknown>
} {
  const asked: Message[] = []
  const take = (params: Message): unknown => {
    asked.push(params)
    return answer
  }
  return { asked, answers: { 'sampling/createMessage': take } }
}

describe.each(cells(both))('$name', (cell) => {
  const hasTools = cell.revision >= '2025-11-25'

  it.each<[capabilities: object, can: readonly string[]]>([
    [{}, []],
    [{ elicitation: {}, roots: {} }, []],
    [{ sampling: {} }, ['plain', 'no-context']],
    [{ sampling: { tools: {} } }, ['plain', 'tools', 'choice']],
  ])('asks the model of a client that declared %j no more than that (SMP-01)', async (capabilities, can) => {
    const { asked, answers } = model()
    const client = await open(cell, sampling(), { capabilities, answers })
    for (const name of ['plain', 'tools', 'choice', 'no-context']) {
      const needsTools = name === 'tools' || name === 'choice'
      const before = asked.length
      const call = client.callTool(name)
      if (can.length > 0 && (!needsTools || (can.includes(name) && hasTools))) {
        expect(textOf(await call)).toContain('Paris')
        expect(asked.length).toBe(before + 1)
      } else {
        const about = needsTools ? 'sampling.tools' : 'sampling'
        if (cell.stateless) {
          const { code, message } = await refused(call)
          expect([code, message]).toEqual([-32021, expect.stringContaining(about)])
        } else {
          const result = await call
          expect([result.isError, textOf(result)]).toEqual([true, expect.stringContaining(about)])
        }
        expect(asked.length).toBe(before)
      }
    }
    const before = asked.length
    for (const name of ['degrades', 'falls-back']) {
      expect((await client.callTool(name)).isError).toBeUndefined()
    }
    const degraded = asked.slice(before)
    expect(degraded).toHaveLength(can.length > 0 ? 2 : 0)
    const withTools = degraded.filter((params) => 'tools' in params || 'toolChoice' in params)
    expect(withTools).toHaveLength(can.includes('tools') && hasTools ? 1 : 0)
    for (const params of asked) expect(params).toMatchObject({ messages, maxTokens: 10 })
  })
})

describe.each(cells({ ...both, revisions: ['2025-11-25', '2026-07-28'] }))('$name', (cell) => {
  it('asks for the context of servers only where the client declared that (SMP-02)', async () => {
    const names = ['plain', 'no-context', 'this-server', 'all-servers']
    const asking = async (declared: object): Promise<readonly unknown[]> => {
      const { asked, answers } = model()
      const client = await open(cell, sampling(), { capabilities: { sampling: declared }, answers })
      for (const name of names) expect(textOf(await client.callTool(name))).toContain('Paris')
      return asked.map(({ includeContext }) => includeContext)
    }
    for (const declared of [{}, { tools: {} }]) {
      const asked = await asking(declared)
      expect(asked).toHaveLength(names.length)
      for (const context of asked) expect([undefined, 'none']).toContain(context)
    }
    expect(await asking({ context: {} })).toEqual([undefined, 'none', 'thisServer', 'allServers'])
  })
})

import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from '../protocol/support.js'
import {
  ableClient,
  accept,
  asked,
  askingCells,
  codeOf,
  keyOf,
  messagesOf,
  nameForm,
  replayCells,
  requestCells,
  round,
  sizeForm,
} from './support.js'

const said = 'The last answer did not fit.'

describe.each(askingCells)('$name', (cell) => {
  it('an answer that does not fit is asked for again, and the message says what was wrong', async () => {
    const messages: string[] = []
    const answers = [accept({ name: 'A' }), accept({}), accept({ name: 'Ada' })]
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)), {
      answers: {
        'elicitation/create': ({ message }) => {
          messages.push(String(message))
          return answers[messages.length - 1]
        },
      },
    })
    const result = await client.callTool('ask')
    expect(textOf(result)).toBe('{"action":"accept","content":{"name":"Ada"}}')
    const [first, second, third, ...more] = messages
    expect([first, more]).toEqual([nameForm.message, []])
    for (const again of [second, third]) {
      expect(again).toMatch(new RegExp(`^What is your name\\?\n\n${said} .*"?name"?.*`, 's'))
    }
  })

  it('ELI-08 an action that is none is asked for again', async () => {
    let times = 0
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)), {
      answers: {
        'elicitation/create': () => {
          times += 1
          return times === 1 ? { action: 'maybe' } : { action: 'decline' }
        },
      },
    })
    expect([textOf(await client.callTool('ask')), times]).toEqual(['{"action":"decline"}', 2])
  })

  it.each(['decline', 'cancel'])(
    'ELI-08 %s reaches the handler as it is, without content',
    async (action) => {
      const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)), {
        answers: { 'elicitation/create': () => ({ action, content: { name: 'Ada' } }) },
      })
      expect(textOf(await client.callTool('ask'))).toBe(JSON.stringify({ action }))
    },
  )

  it('what the schema makes of an answer is what the handler gets', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(sizeForm)), {
      answers: { 'elicitation/create': () => accept({ size: 's', nobody: 'asked for this' }) },
    })
    expect(textOf(await client.callTool('ask'))).toBe('{"action":"accept","content":{"size":"s"}}')
  })

  it('the model and the folders of a client are checked too', async () => {
    const { client } = await asked(
      cell,
      async (ctx) => {
        const messages = [{ role: 'user', content: { type: 'text', text: 'Hi' } }] as const
        const all = [ctx.sample({ messages, maxTokens: 9 }), ctx.roots()]
        return JSON.stringify(await Promise.all(all))
      },
      {
        answers: {
          'sampling/createMessage': () => ({ role: 'assistant', content: 'no block' }),
          'roots/list': () => ({ roots: [{ name: 'no uri' }] }),
        },
      },
    )
    expect(codeOf(await client.callTool('ask'))).toBe('unanswered')
  })
})

describe.each(requestCells)('$name', (cell) => {
  it('after three answers that do not fit a question is given up on, as a tool error', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)), {
      answers: { 'elicitation/create': () => accept({ name: 7 }) },
    })
    const result = await client.callTool('ask')
    expect([codeOf(result), client.serverRequests.length]).toEqual(['unanswered', 3])
    expect(textOf(result)).toContain('asked 3 times, and no answer fitted')
  })

  it('what a user typed is not told to the model when no answer fitted', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(sizeForm)), {
      answers: { 'elicitation/create': () => accept({ size: 'the blue one' }) },
    })
    const result = await client.callTool('ask')
    expect(codeOf(result)).toBe('unanswered')
    expect(JSON.stringify(result)).not.toContain('the blue one')
  })

  it('ELI-08 a client that answers with an error is a tool error that the handler may catch', async () => {
    const { client } = await asked(
      cell,
      async (ctx) => {
        const caught = await ctx.elicit(nameForm).catch((error: unknown) => error)
        if (client.serverRequests.length > 1) throw caught
        return caught instanceof Error ? `caught: ${caught.message}` : 'not an error'
      },
      {
        answers: {
          'elicitation/create': () => {
            throw new Error('The window is closed.')
          },
        },
      },
    )
    expect(textOf(await client.callTool('ask'))).toMatch(/^caught: .*The window is closed\./)
    const result = await client.callTool('ask')
    expect([codeOf(result), result.isError]).toEqual(['client_failed', true])
  })

  it('what a client says of its failure is cleaned and cut before anybody reads it', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)), {
      answers: {
        'elicitation/create': () => {
          throw new Error(`\u001b[31mred\u001b[0m \u202egnihton\u202c${'x'.repeat(10_000)}`)
        },
      },
    })
    const text = textOf(await client.callTool('ask'))
    expect(text.length).toBeLessThan(600)
    expect(text).not.toMatch(/[\u001b\u202e\u202c]/)
  })
})

describe.each(replayCells)('$name', (cell) => {
  it('MRT-12 answers on a first call count when they fit their question, and not otherwise', async () => {
    const { client } = await asked(cell, async (ctx) =>
      JSON.stringify(await ctx.elicit({ ...nameForm, key: 'name' })),
    )
    const forged = await round(client, 'ask', { inputResponses: { name: accept({ name: 7 }) } })
    expect(forged.resultType).toBe('input_required')
    expect(messagesOf(forged)).toEqual([expect.stringContaining(said)])
    const known = await round(client, 'ask', { inputResponses: { name: accept({ name: 'Ada' }) } })
    expect(textOf(known)).toBe('{"action":"accept","content":{"name":"Ada"}}')
  })

  it.each([
    ['null', null],
    ['an array', [{ action: 'accept' }]],
    ['a string', 'accept'],
    ['a number', 1],
    ['true', true],
  ])('MRT-10 answers that are %s are refused', async (_what, inputResponses) => {
    let runs = 0
    const { client } = await asked(cell, () => {
      runs += 1
      return 'done'
    })
    const refusal = await refused(round(client, 'ask', { inputResponses }))
    expect([refusal.code, runs]).toEqual([-32602, 0])
    expect(refusal.message).toContain('"inputResponses" must be an object')
  })

  it('MRT-10 an answer with the key __proto__ is refused, and pollutes nothing', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)))
    const inputResponses = JSON.parse('{"__proto__":{"action":"accept","polluted":true}}') as object
    expect((await refused(round(client, 'ask', { inputResponses }))).code).toBe(-32600)
    expect(Reflect.get({}, 'polluted')).toBeUndefined()
  })

  it.each(['constructor', 'toString', 'hasOwnProperty'])(
    'the key %s is a key like any other',
    async (key) => {
      const { client } = await asked(cell, async (ctx) =>
        JSON.stringify(await ctx.elicit({ ...nameForm, key })),
      )
      const first = await round(client, 'ask')
      expect(keyOf(first)).toBe(key)
      const back = { requestState: first.requestState, inputResponses: { [key]: accept({ name: 'Ada' }) } }
      expect(textOf(await round(client, 'ask', back))).toContain('Ada')
    },
  )

  it.each([
    ['a string', 'yes'],
    ['null', null],
    ['an array', []],
    ['nothing in it', {}],
  ])('MRT-10 an answer that is %s is asked for again', async (_what, answer) => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)))
    const first = await round(client, 'ask')
    const back = { requestState: first.requestState, inputResponses: { [keyOf(first)]: answer } }
    const second = await round(client, 'ask', back)
    expect([second.resultType, keyOf(second)]).toEqual(['input_required', keyOf(first)])
  })

  it('MRT-09 answers that nobody asked for are ignored', async () => {
    const { client } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)))
    const first = await round(client, 'ask')
    const inputResponses = { [keyOf(first)]: accept({ name: 'Ada' }), more: accept({}), 'size-1': 'nonsense' }
    const second = await round(client, 'ask', { requestState: first.requestState, inputResponses })
    expect(textOf(second)).toContain('Ada')
  })

  it('with a state only what was asked may be answered: nothing is answered ahead', async () => {
    const { client } = await asked(cell, async (ctx) => {
      await ctx.elicit({ ...nameForm, key: 'first' })
      return JSON.stringify(await ctx.elicit({ ...sizeForm, key: 'second' }))
    })
    const first = await round(client, 'ask')
    const inputResponses = { first: accept({ name: 'Ada' }), second: accept({ size: 's' }) }
    const second = await round(client, 'ask', { requestState: first.requestState, inputResponses })
    expect([second.resultType, keyOf(second)]).toEqual(['input_required', 'second'])
  })

  it('answers too large to carry end the call with a tool error that says so', async () => {
    const { server, logged } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => {
      await ctx.elicit({ ...nameForm, key: 'name' })
      return JSON.stringify(await ctx.elicit(sizeForm))
    })
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'ask')
    const fits = await round(client, 'ask', {
      requestState,
      inputResponses: { name: accept({ name: 'x'.repeat(11_000) }) },
    })
    expect(fits.requestState?.length).toBeLessThanOrEqual(16 * 1024)
    const result = await round(client, 'ask', {
      requestState,
      inputResponses: { name: accept({ name: 'x'.repeat(16 * 1024) }) },
    })
    expect([codeOf(result), result.isError]).toEqual(['state_too_large', true])
    expect(textOf(result)).toContain('Ask for less at once, or start over with shorter answers.')
    expect(logged.filter(({ level }) => level === 'error')).toEqual([])
  })
})

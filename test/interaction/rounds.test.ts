import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { open, testServer, textOf } from '../protocol/support.js'
import {
  ableClient,
  accept,
  asked,
  codeOf,
  fillsIn,
  keyOf,
  messagesOf,
  nameForm,
  replayCells,
  round,
  sizeForm,
  waiting,
} from './support.js'

const question = (message: string) => ({ ...nameForm, message })

/** Answers to all that a result asks, by the first property of each form. */
function answersTo(asked: Awaited<ReturnType<typeof round>>): Record<string, unknown> {
  const requests = Object.entries(asked.inputRequests ?? {})
  return Object.fromEntries(
    requests.map(([key, { params }]) => [key, fillsIn['elicitation/create']?.(params)]),
  )
}

describe.each(replayCells)('$name', (cell) => {
  it('MRT-02, MRT-03 what is asked in parallel is one round, whatever kinds it has', async () => {
    const { client } = await asked(cell, async (ctx) => {
      const messages = [{ role: 'user', content: { type: 'text', text: 'Greet.' } }] as const
      const all = [
        ctx.elicit(nameForm),
        ctx.sample({ messages, maxTokens: 10 }),
        ctx.roots(),
        ctx.elicit(sizeForm),
      ]
      return JSON.stringify(await Promise.all(all))
    })
    const first = await round(client, 'ask')
    const methods = Object.values(first.inputRequests ?? {}).map(({ method }) => method)
    expect(methods).toEqual([
      'elicitation/create',
      'sampling/createMessage',
      'roots/list',
      'elicitation/create',
    ])
    expect(new Set(Object.keys(first.inputRequests ?? {})).size).toBe(4)
  })

  it('what is asked later in the same turn of the event loop belongs to the same round', async () => {
    const { client } = await asked(cell, async (ctx) => {
      const later = Promise.resolve().then(() => ctx.elicit(sizeForm))
      await Promise.all([ctx.elicit(nameForm), later])
      return 'done'
    })
    expect(messagesOf(await round(client, 'ask'))).toEqual([nameForm.message, sizeForm.message])
  })

  it('what waits for something else first is a round of its own', async () => {
    const { client } = await asked(cell, async (ctx) => {
      const later = nextTurn()
        .then(nextTurn)
        .then(() => ctx.elicit(sizeForm))
      await Promise.all([ctx.elicit(nameForm), later])
      return 'done'
    })
    const first = await round(client, 'ask')
    expect(messagesOf(first)).toEqual([nameForm.message])
    const { requestState } = first
    const second = await round(client, 'ask', { requestState, inputResponses: answersTo(first) })
    expect(messagesOf(second)).toEqual([sizeForm.message])
  })

  it('each round keeps the answers of those before, and the handler sees them all', async () => {
    const { client } = await asked(
      cell,
      async (ctx) => {
        const answers = [
          await ctx.elicit(nameForm),
          await ctx.elicit(sizeForm),
          await ctx.elicit(question('And?')),
        ]
        return JSON.stringify(answers.map((one) => (one.action === 'accept' ? one.content : one.action)))
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('[{"name":"Ada"},{"size":"m"},{"name":"Ada"}]')
    expect(client.received).toHaveLength(4)
  })

  it('questions may come in another order each time: an answer belongs to its question', async () => {
    let runs = 0
    const { client } = await asked(
      cell,
      async (ctx) => {
        runs += 1
        const forms = ['a', 'b', 'c', 'd'].map((letter) => ({ ...question(letter), letter }))
        if (runs % 2 === 0) forms.reverse()
        const answers = await Promise.all(
          forms.map(async ({ letter, ...form }) => [letter, await ctx.elicit(form)] as const),
        )
        const last = await ctx.elicit(question('last'))
        return JSON.stringify([...answers, ['last', last]].sort())
      },
      { answers: { 'elicitation/create': ({ message }) => accept({ name: `It is ${String(message)}` }) } },
    )
    const said = JSON.parse(textOf(await client.callTool('ask'))) as [string, { content: { name: string } }][]
    expect(said.map(([letter, { content }]) => [letter, content.name])).toEqual(
      ['a', 'b', 'c', 'd', 'last'].map((letter) => [letter, `It is ${letter}`]),
    )
    expect(runs).toBe(3)
  })

  it('a question that changed is asked again, under its key and with its new wording', async () => {
    let price = 10
    const { client } = await asked(cell, async (ctx) => {
      const { action } = await ctx.elicit({ ...nameForm, key: 'price', message: `Is ${price} EUR fine?` })
      return `${action} at ${price}`
    })
    const first = await round(client, 'ask')
    expect([keyOf(first), messagesOf(first)]).toEqual(['price', ['Is 10 EUR fine?']])
    price = 20
    const inputResponses = { price: accept({ name: 'yes' }) }
    const second = await round(client, 'ask', { requestState: first.requestState, inputResponses })
    expect([keyOf(second), messagesOf(second)]).toEqual(['price', ['Is 20 EUR fine?']])
    const third = await round(client, 'ask', { requestState: second.requestState, inputResponses })
    expect(textOf(third)).toBe('accept at 20')
  })

  it('the same question asked twice is two questions, with two answers', async () => {
    const { client } = await asked(cell, async (ctx) => {
      const answers = [await ctx.elicit(nameForm), await ctx.elicit(nameForm)]
      return JSON.stringify(answers.map((one) => (one.action === 'accept' ? one.content.name : one.action)))
    })
    const first = await round(client, 'ask')
    const [key, back] = [keyOf(first), { requestState: first.requestState }]
    const second = await round(client, 'ask', { ...back, inputResponses: { [key]: accept({ name: 'Ada' }) } })
    expect(messagesOf(second)).toEqual([nameForm.message])
    expect(keyOf(second)).not.toBe(key)
    const third = await round(client, 'ask', {
      requestState: second.requestState,
      inputResponses: { [keyOf(second)]: accept({ name: 'Grace' }) },
    })
    expect(textOf(third)).toBe('["Ada","Grace"]')
  })

  it('an answer to a question that is not asked any more is dropped', async () => {
    let runs = 0
    const { client } = await asked(
      cell,
      async (ctx) => {
        runs += 1
        if (runs === 1) await ctx.elicit(nameForm)
        const answer = await ctx.elicit(sizeForm)
        return JSON.stringify(answer)
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('{"action":"accept","content":{"size":"m"}}')
    expect(runs).toBe(3)
  })

  it('a question that never settles down ends after 8 rounds, as a tool error', async () => {
    let runs = 0
    const { client, server } = await asked(
      cell,
      async (ctx) => {
        runs += 1
        await ctx.elicit(question(`Question ${runs}`))
        return 'done'
      },
      { answers: fillsIn },
    )
    const result = await client.callTool('ask')
    expect([codeOf(result), result.isError, runs]).toEqual(['unanswered', true, 8])
    expect(textOf(result)).toContain('Start over, and answer all that is asked.')
    expect(server.stats().counters).toMatchObject({ toolErrors: 1, internalErrors: 0 })
  })

  it('the signal aborts once the round is complete, and not before', async () => {
    const seen: unknown[] = []
    const { client } = await asked(cell, async (ctx) => {
      ctx.signal.addEventListener('abort', () => seen.push(ctx.signal.reason))
      const first = ctx.elicit(nameForm)
      await Promise.resolve()
      seen.push(ctx.signal.aborted)
      await first
    })
    await round(client, 'ask')
    expect(seen).toEqual([false, expect.objectContaining({ name: 'AbortError' })])
  })

  it('what a handler sends after its round is complete does not leave', async () => {
    const { client } = await asked(cell, async (ctx) => {
      await ctx.progress(1)
      await ctx.elicit(nameForm).catch(() => undefined)
      await ctx.progress(2)
      return 'done'
    })
    await round(client, 'ask', {}, {}, { meta: { progressToken: 't' } })
    expect(client.notifications.map(({ params }) => params['progress'])).toEqual([1])
  })

  it('a middleware that looks at the round counts a call once', async () => {
    const { server } = testServer()
    const rounds: number[] = []
    server.use((call, next) => {
      rounds.push(call.exchange.round)
      return next()
    })
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => {
      await ctx.elicit(nameForm)
      await ctx.elicit(sizeForm)
      return 'done'
    })
    const client = await open(cell, server, { capabilities: ableClient, answers: fillsIn })
    for (let call = 0; call < 2; call += 1) await client.callTool('ask')
    expect(rounds).toEqual([1, 2, 3, 1, 2, 3])
  })

  it('MRT-08 who comes back without answers is asked the same again, and that counts as a round', async () => {
    let runs = 0
    const { client } = await asked(cell, async (ctx) => {
      runs += 1
      return JSON.stringify(await ctx.elicit(nameForm))
    })
    let last = await round(client, 'ask')
    for (let again = 0; again < 6; again += 1) {
      const next = await round(client, 'ask', { requestState: last.requestState })
      expect(next.inputRequests).toEqual(last.inputRequests)
      last = next
    }
    expect(codeOf(await round(client, 'ask', { requestState: last.requestState }))).toBe('unanswered')
    expect(runs).toBe(8)
  })

  it('a call that asks leaves nothing behind: no call, no request, no question', async () => {
    const { client, server } = await asked(cell, async (ctx) => JSON.stringify(await ctx.elicit(nameForm)))
    for (let call = 0; call < 20; call += 1) await round(client, 'ask')
    const left = [...waiting(server, 'calls in flight'), ...waiting(server, 'questions')]
    expect(left.every((size) => size === 0)).toBe(true)
    const bounded = server.stats().bounded.filter(({ name }) => /deadlines|handlers that go on/.test(name))
    expect(bounded.map(({ size }) => size)).toEqual([0, 0])
  })
})

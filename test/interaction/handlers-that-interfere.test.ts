import { setTimeout as sleep } from 'node:timers/promises'
import type { FormAnswer } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { gate, textOf } from '../protocol/support.js'
import { asked, askingCells, type Ctx, fillsIn, messagesOf, nameForm, replayCells, round } from './support.js'

type Answer = FormAnswer<{ name: string }>

function hello(answer: Answer): string {
  return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : `Hello, ${answer.action}!`
}

/** What a handler may do with a question, and each time the user is asked and greeted. */
const handlers: readonly (readonly [what: string, handler: (ctx: Ctx) => unknown])[] = [
  ['waits for the answer', async (ctx) => hello(await ctx.elicit(nameForm))],
  [
    'catches everything and returns something else',
    async (ctx) => {
      try {
        return hello(await ctx.elicit(nameForm))
      } catch {
        return 'I could not ask.'
      }
    },
  ],
  [
    'catches and throws again',
    async (ctx) => {
      try {
        return hello(await ctx.elicit(nameForm))
      } catch (error) {
        await Promise.resolve('cleaned up')
        throw error
      }
    },
  ],
  [
    'wraps what it caught in an error of its own',
    async (ctx) => {
      try {
        return hello(await ctx.elicit(nameForm))
      } catch (cause) {
        throw ctx.error('no_name', { message: 'There was no name.', cause })
      }
    },
  ],
  [
    'throws something unrelated after it caught',
    async (ctx) => {
      const answer = await ctx.elicit(nameForm).catch(() => undefined)
      if (answer === undefined) throw new TypeError('A mistake of the author.')
      return hello(answer)
    },
  ],
  [
    'waits with Promise.allSettled',
    async (ctx) => {
      const [settled] = await Promise.allSettled([ctx.elicit(nameForm)])
      return settled.status === 'fulfilled' ? hello(settled.value) : 'I could not ask.'
    },
  ],
  [
    'races it against a timer',
    async (ctx) => {
      const late = sleep(60_000, 'late' as const, { ref: false, signal: ctx.signal })
      const first = await Promise.race([ctx.elicit(nameForm), late])
      return first === 'late' ? first : hello(first)
    },
  ],
  [
    'takes the first of Promise.any',
    async (ctx) => {
      const never = Promise.reject(new Error('The other way is closed.'))
      return hello(await Promise.any([never, ctx.elicit(nameForm)]))
    },
  ],
  ['chains instead of waiting', (ctx) => ctx.elicit(nameForm).then(hello, () => 'I could not ask.')],
  [
    'stores the question and waits for it later',
    async (ctx) => {
      const question = ctx.elicit(nameForm)
      await Promise.resolve()
      return hello(await question)
    },
  ],
]

describe.each(askingCells)('$name', (cell) => {
  it.each(handlers)('a handler that %s is asked for and runs with the answer', async (_what, handler) => {
    const { client, server, logged } = await asked(cell, handler, { answers: fillsIn })
    const result = await client.callTool('ask')
    expect([textOf(result), result.isError]).toEqual(['Hello, Ada!', undefined])
    expect(logged.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
    expect(server.stats().counters).toMatchObject({ internalErrors: 0, toolErrors: 0, protocolErrors: 0 })
  })

  it('`finally` blocks run, in every round', async () => {
    const steps: string[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        steps.push('begin')
        try {
          return hello(await ctx.elicit(nameForm))
        } finally {
          steps.push('finally')
        }
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('Hello, Ada!')
    const once = ['begin', 'finally']
    expect(steps).toEqual(cell.stateless ? [...once, ...once] : once)
  })

  it('what a handler catches says nothing of a failure of its own: it is the same answer as ever', async () => {
    const caught: unknown[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        try {
          return hello(await ctx.elicit(nameForm))
        } catch (error) {
          caught.push(error)
          throw error
        }
      },
      { answers: fillsIn },
    )
    await client.callTool('ask')
    expect(caught).toHaveLength(cell.stateless ? 1 : 0)
    for (const one of caught) {
      expect(one).not.toBeInstanceOf(Error)
      expect(Object.isFrozen(one)).toBe(true)
      expect(one).toMatchObject({ name: 'Unanswered', message: expect.stringContaining('Let this pass') })
    }
  })
})

describe.each(replayCells)('$name', (cell) => {
  it.each(handlers)('MRT-02 a handler that %s is answered by its question first', async (_what, handler) => {
    const { client } = await asked(cell, handler)
    const first = await round(client, 'ask')
    expect(first).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) })
    expect(messagesOf(first)).toEqual(['What is your name?'])
    expect(first).not.toHaveProperty('content')
    expect(first).not.toHaveProperty('isError')
  })

  it('a question that nobody waits for is asked all the same, and its answer changes nothing', async () => {
    let runs = 0
    const { client } = await asked(cell, async (ctx) => {
      runs += 1
      ctx.elicit(nameForm).catch(() => undefined)
      return 'done'
    })
    const first = await round(client, 'ask')
    expect(messagesOf(first)).toEqual(['What is your name?'])
    const [key = ''] = Object.keys(first.inputRequests ?? {})
    const { requestState } = first
    const second = await round(client, 'ask', {
      requestState,
      inputResponses: { [key]: { action: 'cancel' } },
    })
    expect([textOf(second), runs]).toEqual(['done', 2])
  })

  it('a handler that is no promise may ask too', async () => {
    const { client } = await asked(
      cell,
      (ctx) => {
        ctx.elicit(nameForm).catch(() => undefined)
        return 'done'
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('done')
  })

  it('a question that comes after the answer is not asked any more', async () => {
    const answered = gate()
    const late = gate<unknown>()
    const { client } = await asked(cell, (ctx) => {
      void answered.opened.then(() => ctx.elicit(nameForm)).then(late.open, late.open)
      return 'done'
    })
    expect(textOf(await round(client, 'ask'))).toBe('done')
    answered.open()
    expect(await late.opened).toMatchObject({ name: 'Unanswered' })
    expect(client.received).toHaveLength(1)
  })
})

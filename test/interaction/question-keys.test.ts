import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { textOf } from '../protocol/support.js'
import { accept, asked, byReplay, type Ctx, inMemory, nameForm, round, sizeForm } from './support.js'

const question = (key: string, message: string) => ({ ...nameForm, key, message })
const answersWithItsMessage = {
  'elicitation/create': ({ message }: { readonly message?: unknown }) => accept({ name: String(message) }),
}

/** What each question was answered, in the order of their messages. */
async function namesOf(ctx: Ctx, questions: readonly ReturnType<typeof question>[]): Promise<string> {
  const answers = await Promise.all(questions.map((one) => ctx.elicit(one)))
  const names = answers.map((answer) => (answer.action === 'accept' ? answer.content.name : answer.action))
  return names.sort().join()
}

describe.each(cells({ transports: inMemory, revisions: byReplay }))('$name', (cell) => {
  it('a question without a key is known by what it asks, on every server and in every process', async () => {
    const keys: string[][] = []
    for (let server = 0; server < 2; server += 1) {
      const { client } = await asked(cell, (ctx) =>
        Promise.all([ctx.elicit(nameForm), ctx.roots(), ctx.elicit(sizeForm)]),
      )
      keys.push(Object.keys((await round(client, 'ask')).inputRequests ?? {}))
    }
    expect(keys[0]).toEqual(keys[1])
    expect(new Set(keys[0]).size).toBe(3)
  })

  it('one key may be used for several questions, which are told apart', async () => {
    const { client } = await asked(
      cell,
      (ctx) => namesOf(ctx, [question('k', 'first'), question('k', 'second'), question('k', 'third')]),
      { answers: answersWithItsMessage },
    )
    expect(textOf(await client.callTool('ask'))).toBe('first,second,third')
  })

  it('a key that looks like one that we make is a key of its own', async () => {
    const { client } = await asked(
      cell,
      (ctx) => namesOf(ctx, [question('k', 'first'), question('k', 'second'), question('k.2', 'third')]),
      { answers: answersWithItsMessage },
    )
    expect(textOf(await client.callTool('ask'))).toBe('first,second,third')
  })

  it('questions that share a key may come in another order each time', async () => {
    let runs = 0
    const { client } = await asked(
      cell,
      (ctx) => {
        runs += 1
        const questions = [question('k', 'first'), question('k', 'second')]
        return namesOf(ctx, runs % 2 === 0 ? questions.reverse() : questions)
      },
      { answers: answersWithItsMessage },
    )
    expect(textOf(await client.callTool('ask'))).toBe('first,second')
  })

  it('the same question under one key asked in sequence keeps each of its answers', async () => {
    let asks = 0
    const { client } = await asked(
      cell,
      async (ctx) => {
        const names: string[] = []
        for (let turn = 0; turn < 3; turn += 1) {
          const answer = await ctx.elicit(question('k', 'Next?'))
          names.push(answer.action === 'accept' ? answer.content.name : answer.action)
        }
        return names.join()
      },
      {
        answers: {
          'elicitation/create': () => {
            asks += 1
            return accept({ name: `answer ${asks}` })
          },
        },
      },
    )
    expect(textOf(await client.callTool('ask'))).toBe('answer 1,answer 2,answer 3')
  })
})

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { open, testServer, textOf } from '../protocol/support.js'
import {
  accept,
  asked,
  askingCells,
  codeOf,
  fillsIn,
  keyOf,
  nameForm,
  replayCells,
  round,
  sizeForm,
} from './support.js'

describe.each(askingCells)('$name', (cell) => {
  it('runs once over all rounds, and gives the same value each time', async () => {
    let runs = 0
    const values: unknown[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        values.push(
          await ctx.once('order', async () => {
            runs += 1
            return { id: runs, lines: ['a', null, 1.5] }
          }),
        )
        await ctx.elicit(nameForm)
        await ctx.elicit(sizeForm)
        return JSON.stringify(await ctx.once('order', () => 'never'))
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('{"id":1,"lines":["a",null,1.5]}')
    expect(runs).toBe(1)
    expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(1)
    expect(values).toHaveLength(cell.stateless ? 3 : 1)
  })

  it('two keys are two things, and one key in parallel is one', async () => {
    const runs: string[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        const all = ['a', 'b', 'a', 'a'].map((key) =>
          ctx.once(key, async () => {
            runs.push(key)
            await nextTurn()
            return `did ${key}`
          }),
        )
        const done = await Promise.all(all)
        await ctx.elicit(nameForm)
        return done.join(', ')
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('did a, did b, did a, did a')
    expect(runs).toEqual(['a', 'b'])
  })

  it('what failed has not happened, and runs again when it is wanted again', async () => {
    let runs = 0
    const { client } = await asked(
      cell,
      async (ctx) => {
        const work = async (): Promise<string> => {
          runs += 1
          if (runs === 1) throw new Error('The backend is away.')
          return `run ${runs}`
        }
        const first = await ctx.once('work', work).catch(() => 'failed')
        const { action } = await ctx.elicit(nameForm)
        return `${first}, ${action}, ${await ctx.once('work', work)}`
      },
      { answers: fillsIn },
    )
    const text = textOf(await client.callTool('ask'))
    expect(text).toBe(cell.stateless ? 'run 2, accept, run 2' : 'failed, accept, run 2')
    expect(runs).toBe(2)
  })

  it('does not need a client that can be asked', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Does one thing.' }, (_args, ctx) => ctx.once('work', () => 'done'))
    const client = await open(cell, server)
    expect(textOf(await client.callTool('ask'))).toBe('done')
  })

  it('work that gives nothing gives the same nothing in every round', async () => {
    const values: unknown[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        values.push(await ctx.once('work', () => undefined))
        return (await ctx.elicit(nameForm)).action
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('accept')
    expect(new Set(values).size).toBe(1)
  })
})

describe.each(replayCells)('$name', (cell) => {
  it('slow work beside a question is finished before the question goes out', async () => {
    let [begun, finished] = [0, 0]
    const { client } = await asked(cell, async (ctx) => {
      const slow = ctx.once('slow', async () => {
        begun += 1
        for (let turn = 0; turn < 20; turn += 1) await nextTurn()
        finished += 1
        return 'done'
      })
      return JSON.stringify(await Promise.all([slow, ctx.elicit(nameForm)]))
    })
    const first = await round(client, 'ask')
    expect([first.resultType, begun, finished]).toEqual(['input_required', 1, 1])
    const back = {
      requestState: first.requestState,
      inputResponses: { [keyOf(first)]: accept({ name: 'Ada' }) },
    }
    expect(textOf(await round(client, 'ask', back))).toContain('["done",')
    expect([begun, finished]).toEqual([1, 1])
  })

  it('work that asks runs again with the answer, and then never again', async () => {
    let runs = 0
    const { client } = await asked(
      cell,
      async (ctx) => {
        const name = await ctx.once('name', async () => {
          runs += 1
          const answer = await ctx.elicit(nameForm)
          return answer.action === 'accept' ? answer.content.name : 'nobody'
        })
        await ctx.elicit(sizeForm)
        return name
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('Ada')
    expect(runs).toBe(2)
  })

  it('a question beside work that fails is asked, and the work runs again', async () => {
    let runs = 0
    const { client } = await asked(
      cell,
      async (ctx) => {
        const work = ctx.once('work', async () => {
          runs += 1
          if (runs === 1) throw new Error('The backend is away.')
          return `run ${runs}`
        })
        return JSON.stringify(await Promise.all([work, ctx.elicit(nameForm)]))
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toContain('["run 2",')
  })

  it('work that a handler begins after its round is complete does not run: its value would be lost', async () => {
    const runs: string[] = []
    const { client } = await asked(
      cell,
      async (ctx) => {
        const answer = await ctx.elicit(nameForm).catch(() => undefined)
        await ctx.once('charge', async () => {
          runs.push(answer === undefined ? 'before the answer' : 'with the answer')
          await sleep(20)
          return 'charged'
        })
        return 'done'
      },
      { answers: fillsIn },
    )
    expect(textOf(await client.callTool('ask'))).toBe('done')
    expect(runs).toEqual(['with the answer'])
  })

  it('a value that JSON cannot carry is the mistake of the author: masked, and in the log', async () => {
    const { client, logged } = await asked(cell, async (ctx) => {
      await ctx.once('big', () => 12n)
      return (await ctx.elicit(nameForm)).action
    })
    const result = await round(client, 'ask')
    expect(codeOf(result)).toBe('internal')
    expect(textOf(result)).not.toMatch(/bigint/i)
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1)
  })
})

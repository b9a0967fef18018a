import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer, textOf } from '../protocol/support.js'
import {
  ableClient,
  accept,
  asked,
  askingCells,
  codeOf,
  messagesOf,
  replayCells,
  round,
  sizeForm,
} from './support.js'

/** A schema that looks something up before it says yes or no. */
const lookedUp = z.object({
  name: z.string().refine(async (name) => {
    await sleep(20)
    return name.length > 3
  }, 'No such name is known'),
})
const first = { key: 'first', message: 'Who are you?', schema: lookedUp } as const
const second = { key: 'second', ...sizeForm } as const

describe.each(askingCells)('$name', (cell) => {
  it('a check may take its time', async () => {
    let asked = 0
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) =>
      JSON.stringify(await ctx.elicit(first)),
    )
    const client = await open(cell, server, {
      capabilities: ableClient,
      answers: {
        'elicitation/create': ({ message }) => {
          asked += 1
          if (asked === 1) return accept({ name: 'Ada' })
          expect(message).toContain('No such name is known')
          return accept({ name: 'Grace' })
        },
      },
    })
    expect(textOf(await client.callTool('ask'))).toBe('{"action":"accept","content":{"name":"Grace"}}')
  })

  it('a check that throws is the mistake of the author: masked, and in the log', async () => {
    const broken = z.object({
      name: z.string().refine(() => {
        throw new Error('The directory at 10.0.0.7 is away.')
      }),
    })
    const { client, logged } = await asked(
      cell,
      async (ctx) => JSON.stringify(await ctx.elicit({ message: 'Who are you?', schema: broken })),
      { answers: { 'elicitation/create': () => accept({ name: 'Ada' }) } },
    )
    const result = await client.callTool('ask')
    expect([codeOf(result), textOf(result).includes('10.0.0.7')]).toEqual(['internal', false])
    expect(String(logged.at(-1)?.fields['error'])).toContain('10.0.0.7')
  })
})

describe.each(replayCells)('$name', (cell) => {
  it('a round waits for a slow check: what did not fit is asked in it, with what was wrong', async () => {
    const { client } = await asked(cell, async (ctx) =>
      JSON.stringify(await Promise.all([ctx.elicit(first), ctx.elicit(second)])),
    )
    const { requestState } = await round(client, 'ask')
    const again = await round(client, 'ask', {
      requestState,
      inputResponses: { first: accept({ name: 'Ada' }) },
    })
    expect(Object.keys(again.inputRequests ?? {}).sort()).toEqual(['first', 'second'])
    expect(messagesOf(again).join()).toContain('No such name is known')
  })

  it('a round waits for a slow check: an answer that fits is kept', async () => {
    const { client } = await asked(cell, async (ctx) =>
      JSON.stringify(await Promise.all([ctx.elicit(first), ctx.elicit(second)])),
    )
    const { requestState } = await round(client, 'ask')
    const again = await round(client, 'ask', {
      requestState,
      inputResponses: { first: accept({ name: 'Grace' }) },
    })
    expect(Object.keys(again.inputRequests ?? {})).toEqual(['second'])
    const last = await round(client, 'ask', {
      requestState: again.requestState,
      inputResponses: { second: accept({ size: 's' }) },
    })
    expect(textOf(last)).toContain('Grace')
  })

  it('a check that never ends does not hold a call beyond its timeout', async () => {
    const stuck = z.object({ name: z.string().refine(() => new Promise<boolean>(() => undefined)) })
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.', timeout: 100 }, async (_args, ctx) =>
      JSON.stringify(await ctx.elicit({ ...first, schema: stuck })),
    )
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'ask')
    const back = { requestState, inputResponses: { first: accept({ name: 'Ada' }) } }
    const result = await round(client, 'ask', back, {}, { signal: AbortSignal.timeout(3000) })
    expect(codeOf(result)).toBe('timed_out')
  })
})

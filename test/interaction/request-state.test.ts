import type { ServerOptions } from 'holdfast'
import { type Cell, cells, type Message, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { byHeader, handClock, open, refused, testServer, textOf } from '../protocol/support.js'
import {
  ableClient,
  accept,
  byReplay,
  keyOf,
  nameForm,
  type Return,
  type Round,
  replayCells,
  round,
  sizeForm,
  type TestServer,
} from './support.js'

const keys = ['a secret that is long enough to seal with', 'another secret, as long as the first one is']
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Two tools that ask the same, a prompt and a resource that do, and who was asked by whom. */
function served(options: Partial<ServerOptions> = {}): { readonly server: TestServer; runs(): number } {
  const { server } = testServer({ keys: keys.slice(0, 1), ...options })
  let runs = 0
  const input = z.object({
    to: z.string().optional(),
    amount: z.number().optional(),
    tags: z.unknown().optional(),
  })
  for (const name of ['pay', 'refund']) {
    server.tool(name, { description: 'Asks first.', input }, async (_args, ctx) => {
      runs += 1
      return JSON.stringify(await ctx.elicit({ ...nameForm, key: 'name' }))
    })
  }
  server.prompt('pay', { description: 'Asks first.' }, async (_args, ctx) => {
    runs += 1
    return JSON.stringify(await ctx.elicit({ ...nameForm, key: 'name' }))
  })
  return { server, runs: () => runs }
}

const args = { to: 'Grace', amount: 5, tags: { b: [1, { d: 1, c: 2 }], a: null } }
const inputResponses = { name: accept({ name: 'Ada' }) }

async function firstState(client: TestClient, name = 'pay', given: Message = args): Promise<string> {
  const { requestState = '' } = await round(client, name, {}, given)
  return requestState
}

/** Comes back with a state that must not count. */
async function expectRefused(
  client: TestClient,
  back: Return,
  name = 'pay',
  given: Message = args,
): Promise<string> {
  const refusal = await refused(round(client, name, { inputResponses, ...back }, given))
  expect(refusal.code).toBe(-32602)
  expect(refusal.message).toMatch(/^"requestState" .*; send the request again without it/)
  return refusal.message
}

describe.each(replayCells)('$name', (cell) => {
  it('MRT-05 a state with any character changed is refused, and the handler does not run', async () => {
    const { server, runs } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const state = await firstState(client)
    const before = runs()
    for (let at = 0; at < state.length; at += Math.ceil(state.length / 40)) {
      const other = alphabet[(alphabet.indexOf(state[at] ?? '') + 1) % 64]
      await expectRefused(client, { requestState: `${state.slice(0, at)}${other}${state.slice(at + 1)}` })
    }
    expect(runs()).toBe(before)
  })

  it.each<readonly [what: string, change: (state: string) => unknown]>([
    ['cut at its end', (state) => state.slice(0, -1)],
    ['cut in half', (state) => state.slice(0, state.length / 2)],
    ['longer', (state) => `${state}A`],
    ['given twice over', (state) => state + state],
    ['empty', () => ''],
    ['null', () => null],
    ['a number', () => 1],
    ['an object', (state) => ({ state })],
    ['made up', () => Buffer.from('{"c":"","x":9e15,"r":1,"a":[],"q":[],"o":[]}').toString('base64url')],
    ['far too long', () => 'A'.repeat(100_000)],
  ])('MRT-05 a state that is %s is refused', async (_what, change) => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const message = await expectRefused(client, { requestState: change(await firstState(client)) })
    expect(message).toContain('is none that this server gave out for this request')
  })

  it('MRT-07 a state counts for ten minutes and not for longer', async () => {
    const clock = handClock()
    const { server } = served({ clock })
    const client = await open(cell, server, { capabilities: ableClient })
    const requestState = await firstState(client)
    clock.advance(10 * 60_000 - 1)
    expect(textOf(await round(client, 'pay', { requestState, inputResponses }, args))).toContain('Ada')
    clock.advance(1)
    expect(await expectRefused(client, { requestState })).toContain('has expired')
  })

  it('MRT-06 a state counts for its own tool, arguments and method only', async () => {
    const { server, runs } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const requestState = await firstState(client)
    const before = runs()
    await expectRefused(client, { requestState }, 'refund')
    for (const other of [
      { ...args, amount: 6 },
      { ...args, to: 'grace' },
      { ...args, tags: { b: [{ d: 1, c: 2 }, 1], a: null } },
      { ...args, tags: { b: [1, { d: 1, c: 2 }] } },
      {},
    ]) {
      await expectRefused(client, { requestState }, 'pay', other)
    }
    const prompt = { name: 'pay', arguments: args, requestState, inputResponses }
    expect((await refused(client.request('prompts/get', prompt))).code).toBe(-32602)
    expect(runs()).toBe(before)
  })

  it('arguments may come in another order of their keys, and with more in `_meta`', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const requestState = await firstState(client)
    const reordered = { tags: { a: null, b: [1, { c: 2, d: 1 }] }, amount: 5, to: 'Grace' }
    const meta = { progressToken: 7, 'com.example/trace': 'x' }
    const result = await round(client, 'pay', { requestState, inputResponses }, reordered, { meta })
    expect(textOf(result)).toContain('Ada')
  })

  it('no arguments and empty arguments are the same arguments', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await client.request<Round>('tools/call', { name: 'pay' })
    const result = await round(client, 'pay', { requestState, inputResponses }, {})
    expect(textOf(result)).toContain('Ada')
  })

  it('MRT-06 a state of a server with another key is refused; one of an older key is taken', async () => {
    const [one, other] = keys
    const secrets = [one ?? '', other ?? '']
    const client = await open(cell, served().server, { capabilities: ableClient })
    const requestState = await firstState(client)
    const foreign = await open(cell, served({ keys: secrets.slice(1) }).server, { capabilities: ableClient })
    await expectRefused(foreign, { requestState })
    const rotated = await open(cell, served({ keys: [...secrets].reverse() }).server, {
      capabilities: ableClient,
    })
    const result = await round(rotated, 'pay', { requestState, inputResponses }, args)
    expect(textOf(result)).toContain('Ada')
  })

  it('MRT-07 the same state may come again: a client whose connection broke does not start over', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const requestState = await firstState(client)
    const results = [1, 2, 3].map(() => round(client, 'pay', { requestState, inputResponses }, args))
    for (const result of await Promise.all(results)) expect(textOf(result)).toContain('Ada')
  })

  it('MRT-11 nothing that was answered or kept can be read in a state', async () => {
    const { server } = testServer()
    server.tool('ask', { description: 'Asks.' }, async (_args, ctx) => {
      await ctx.once('secret-key', () => 'secret-value')
      await ctx.elicit({ ...nameForm, key: 'name' })
      return JSON.stringify(await ctx.elicit(sizeForm))
    })
    const client = await open(cell, server, { capabilities: ableClient })
    const first = await round(client, 'ask')
    const { requestState = '' } = await round(client, 'ask', {
      requestState: first.requestState,
      inputResponses: { [keyOf(first)]: accept({ name: 'Lovelace' }) },
    })
    const bytes = Buffer.from(requestState, 'base64url').toString('latin1')
    for (const readable of [requestState, bytes]) {
      expect(readable).not.toMatch(/secret|Lovelace|elicitation|accept|[{}]"/i)
    }
  })

  it('two states of the same question are never the same text', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const states = await Promise.all(Array.from({ length: 20 }, () => firstState(client)))
    expect(new Set(states).size).toBe(20)
  })

  it('MRT-06 a state of one resource does not count for another, whatever else the request says', async () => {
    const { server } = testServer()
    server.resource(
      'paper',
      { description: 'A paper.', uriTemplate: 'paper://{id}' },
      async ({ params }, ctx) => {
        const allowed = await ctx.once('allowed', () => params.id === 'public')
        await ctx.elicit({ ...nameForm, key: 'name' })
        return allowed ? `What ${params.id} says.` : 'Not for you.'
      },
    )
    const client = await open(cell, server, { capabilities: ableClient })
    for (const more of [{}, { name: 'x' }, { name: 'x', arguments: {} }]) {
      const { requestState } = await client.request<Round>('resources/read', {
        uri: 'paper://public',
        ...more,
      })
      const back = { uri: 'paper://secret', ...more, requestState, inputResponses }
      expect((await refused(client.request('resources/read', back))).code).toBe(-32602)
    }
  })
})

describe.each(cells({ transports: ['http'], revisions: byReplay }))('$name', (cell: Cell) => {
  it('MRT-06 a state counts for the principal that it was given to, and for nobody else', async () => {
    const { server, runs } = served({ auth: byHeader })
    const client = await open(cell, server, { capabilities: ableClient, headers: { 'x-user': 'ada' } })
    const requestState = await firstState(client)
    const before = runs()
    const as = (headers: Record<string, string>) =>
      round(client, 'pay', { requestState, inputResponses }, args, { headers })
    for (const headers of [{ 'x-user': 'grace' }, { 'x-user': 'ada', 'x-issuer': 'https://other.example' }]) {
      const refusal = await refused(as(headers))
      expect([refusal.code, refusal.message]).toEqual([-32602, expect.stringContaining('is none that')])
    }
    expect(runs()).toBe(before)
    expect(textOf(await as({ 'x-user': 'ada' }))).toContain('Ada')
  })
})

import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { byHeader, handClock, open, refused } from '../protocol/support.js'
import { able, accepted, askingServer, call } from './asking-server.js'

// What a client brings back with a request is an attacker's until it has been checked.

const newest = '2026-07-28'
const asks = { resultType: 'input_required' }
const complete = { resultType: 'complete' }
const keys = ['a secret of the tests, long enough to seal']
const minute = 60_000
const answers = { inputResponses: { who: accepted('Ada') } }

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The text with another character of its alphabet at one place. */
function flipped(text: string, at: number): string {
  const other = alphabet[(alphabet.indexOf(text[at] ?? '') + 1) % alphabet.length] ?? ''
  return text.slice(0, at) + other + text.slice(at + 1)
}

describe.each(cells({ transports: ['stdio', 'http'], revisions: [newest] }))('$name', (cell) => {
  it('takes no state that was changed in a single character (MRT-05)', async () => {
    const { server, seen } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    const { requestState } = await call(client, 'name')
    expect(requestState).toMatch(/^[\w-]{60,}$/)
    const everyFew = Array.from({ length: requestState.length }, (_, at) => at).filter((at) => at % 5 === 0)
    for (const at of [...everyFew, 1, 2, 3, requestState.length - 2, requestState.length - 1]) {
      const forged = call(client, 'name', { requestState: flipped(requestState, at), ...answers })
      expect([at, (await refused(forged)).code]).toEqual([at, -32602])
    }
    const { server: elsewhere } = askingServer()
    const stranger = await open(cell, elsewhere, { capabilities: able })
    const foreign = (await call(stranger, 'name')).requestState
    const cut = requestState.slice(0, -4)
    const joined = `${requestState}${requestState}`
    for (const state of [
      '',
      'x',
      cut,
      joined,
      ` ${requestState}`,
      `${requestState}=`,
      foreign,
      7,
      null,
      {},
      [requestState],
    ]) {
      const forged = call(client, 'name', { requestState: state, ...answers })
      expect([state, (await refused(forged)).code]).toEqual([state, -32602])
    }
    expect(seen.names).toEqual([])
    expect(await call(client, 'name', { requestState, ...answers })).toMatchObject(complete)
  })

  it('takes a state for ten minutes and no longer (MRT-07)', async () => {
    const clock = handClock()
    const { server, seen } = askingServer({ clock })
    const client = await open(cell, server, { capabilities: able })
    const { requestState } = await call(client, 'name')
    clock.advance(9 * minute)
    expect(await call(client, 'name', { requestState, ...answers })).toMatchObject(complete)
    clock.advance(minute)
    const late = await refused(call(client, 'name', { requestState, ...answers }))
    expect([late.code, late.message]).toEqual([-32602, expect.stringContaining('expired')])
    expect(seen.names).toEqual(['Ada'])
  })

  it('does no more for a state that comes twice, or takes it once (MRT-07)', async () => {
    const { server, seen } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    const order = { requestState: (await call(client, 'order')).requestState, ...answers }
    for (const _time of [1, 2, 3]) {
      expect(await call(client, 'order', order)).toMatchObject({ content: [{ text: 'order 1' }] })
    }
    expect(seen.orders).toBe(1)
    const once = { requestState: (await call(client, 'once')).requestState, ...answers }
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => call(client, 'once', once)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await refused(call(client, 'once', once))).code).toBe(-32602)
    expect(seen.names).toEqual(['accept'])
  })

  it('shows nothing of what it holds to whoever carries it (MRT-11)', async () => {
    const { server } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    const note = { arguments: { note: 'hunter2-of-the-arguments' } }
    const inputResponses = { who: accepted('hunter2-of-the-answer') }
    const first = await call(client, 'steps', note)
    const second = await call(client, 'steps', { ...note, requestState: first.requestState, inputResponses })
    const order = await call(client, 'order', note)
    expect(second.inputRequests).toHaveProperty('then')
    for (const { requestState } of [first, second, order]) {
      const parts = [requestState, ...requestState.split(/[._~-]/)]
      const readings = parts.flatMap((part) =>
        (['base64url', 'base64', 'hex'] as const).map((as) => Buffer.from(part, as).toString('latin1')),
      )
      for (const reading of [requestState, ...readings]) {
        // Words that are long enough to be there by no chance.
        expect(reading).not.toMatch(/hunter2|accept|of-the-/)
      }
    }
    // The same call gives another state each time, so that nothing can be told from two being equal.
    expect((await call(client, 'steps', note)).requestState).not.toBe(first.requestState)
  })

  const garbage: readonly unknown[] = [
    null,
    7,
    'x',
    [],
    {},
    { action: 'maybe' },
    { action: 'accept' },
    { action: 'accept', content: null },
    { action: 'accept', content: 'Ada' },
    { action: 'accept', content: { name: 7 } },
    accepted('A'),
    { action: ['accept'], content: { name: 'Ada' } },
    { content: { name: 'Ada' } },
    { method: 'elicitation/create', result: accepted('Ada') },
  ]

  it.each([
    ['with the state it was given', true],
    ['made up on a first call', false],
  ])('takes no answer that does not fit its question, %s (MRT-10, MRT-12)', async (_how, withState) => {
    const { server, seen } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    for (const answer of garbage) {
      const state = withState ? { requestState: (await call(client, 'name')).requestState } : {}
      const again = await call(client, 'name', { ...state, inputResponses: { who: answer } })
      expect([answer, again]).toMatchObject([
        answer,
        { ...asks, inputRequests: { who: { method: 'elicitation/create' } } },
      ])
    }
    for (const inputResponses of [null, 7, 'x', [], [accepted('Ada')]]) {
      const state = withState ? { requestState: (await call(client, 'name')).requestState } : {}
      const refusal = await refused(call(client, 'name', { ...state, inputResponses }))
      expect([inputResponses, refusal.code]).toEqual([inputResponses, -32602])
      if (cell.transport === 'http') expect(refusal.httpStatus).not.toBe(500)
    }
    for (const [key, wrong] of [
      ['model', { role: 'system', model: 'm', content: { type: 'text', text: 'x' } }],
      ['model', { role: 'assistant', content: [] }],
      ['model', { role: 'assistant', model: 'm', content: 'x' }],
      ['roots', { roots: [{ uri: 7 }] }],
      ['roots', { roots: {} }],
    ] as const) {
      const state = withState ? { requestState: (await call(client, 'all')).requestState } : {}
      const again = await call(client, 'all', { ...state, inputResponses: { [key]: wrong } })
      expect(Object.keys(again.inputRequests)).toContain(key)
    }
    expect(seen.names).toEqual([])
    expect(server.stats().counters.internalErrors).toBe(0)
  })

  it('takes no answer before it asked where an answer counts once (MRT-12)', async () => {
    const { server, seen } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    const inputResponses = { who: accepted('Eve') }
    expect(await call(client, 'once', { inputResponses })).toMatchObject(asks)
    const forged = call(client, 'once', { requestState: 'made-up', inputResponses })
    expect((await refused(forged)).code).toBe(-32602)
    expect(seen.names).toEqual([])
  })
})

describe.each(cells({ transports: ['http'], revisions: [newest] }))('$name', (cell) => {
  it('takes a state for the request and the user that it was given to alone (MRT-06)', async () => {
    const { server, seen } = askingServer({ auth: byHeader, keys })
    const client = await open(cell, server, { capabilities: able, headers: { 'x-user': 'alice' } })
    const args = { arguments: { note: 'a' } }
    const { requestState } = await call(client, 'name', args)
    const back = { requestState, ...answers }
    const replays: [method: string, params: Message, user?: string][] = [
      ['tools/call', { name: 'other', ...args }],
      ['tools/call', { name: 'name', arguments: { note: 'b' } }],
      ['tools/call', { name: 'name', arguments: {} }],
      ['tools/call', { name: 'name', arguments: { note: 'a', more: 1 } }],
      ['prompts/get', { name: 'brief' }],
      ['prompts/get', { name: 'name', ...args }],
      ['resources/read', { uri: 'app://private' }],
      ['tools/call', { name: 'name', ...args }, 'bob'],
    ]
    for (const [method, params, user = 'alice'] of replays) {
      const headers = { 'x-user': user }
      const replay = await refused(client.request(method, { ...params, ...back }, { headers }))
      expect([params, user, replay.code]).toEqual([params, user, -32602])
    }
    expect(seen.names).toEqual([])
    // Another node of the fleet has the same keys.
    const { server: twin } = askingServer({ auth: byHeader, keys })
    const there = await open(cell, twin, { capabilities: able, headers: { 'x-user': 'alice' } })
    expect(await call(there, 'name', { ...args, ...back })).toMatchObject(complete)
    expect(await call(client, 'name', { ...args, ...back })).toMatchObject(complete)
  })
})

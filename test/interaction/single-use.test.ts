import type { Store } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { handClock, open, refused, testServer, textOf } from '../protocol/support.js'
import { ableClient, accept, nameForm, replayCells, round, sizeForm, type TestServer } from './support.js'

const inputResponses = { name: accept({ name: 'Ada' }), size: accept({ size: 's' }) }

function served(options: Parameters<typeof testServer>[0] = {}): {
  readonly server: TestServer
  readonly logged: ReturnType<typeof testServer>['logged']
  runs(): number
} {
  const { server, logged } = testServer(options)
  let runs = 0
  server.tool('pay', { description: 'Asks twice.', singleUse: true }, async (_args, ctx) => {
    runs += 1
    const answers = [
      await ctx.elicit({ ...nameForm, key: 'name' }),
      await ctx.elicit({ ...sizeForm, key: 'size' }),
    ]
    return answers.map(({ action }) => action).join()
  })
  return { server, logged, runs: () => runs }
}

/** A store that keeps its promises by what a test says. */
function store(setIfAbsent: Store['setIfAbsent']): Store {
  return {
    get: async () => undefined,
    set: async () => undefined,
    delete: async () => undefined,
    setIfAbsent,
  }
}

describe.each(replayCells)('$name', (cell) => {
  it('MRT-07 a state that counts once is taken once and then refused', async () => {
    const { server, runs } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'pay')
    const second = await round(client, 'pay', { requestState, inputResponses })
    expect(second.resultType).toBe('input_required')
    const again = await refused(round(client, 'pay', { requestState, inputResponses }))
    expect([again.code, runs()]).toEqual([-32602, 2])
    expect(again.message).toContain('was used before and counts once')
    const back = { requestState: second.requestState, inputResponses }
    expect(textOf(await round(client, 'pay', back))).toBe('accept,accept')
  })

  it('of many that come at the same time one is taken', async () => {
    const { server, runs } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'pay')
    const all = Array.from({ length: 10 }, () => round(client, 'pay', { requestState, inputResponses }))
    const settled = await Promise.allSettled(all)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(runs()).toBe(2)
  })

  it('a tampered state uses nothing up', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState = '' } = await round(client, 'pay')
    await refused(round(client, 'pay', { requestState: requestState.slice(0, -1), inputResponses }))
    expect((await round(client, 'pay', { requestState, inputResponses })).resultType).toBe('input_required')
    expect(server.stats().bounded.find(({ name }) => name === 'states that count once')?.size).toBe(1)
  })

  it('answers without a state do not count: nobody is answered ahead', async () => {
    const { server } = served()
    const client = await open(cell, server, { capabilities: ableClient })
    const first = await round(client, 'pay', { inputResponses })
    expect(Object.keys(first.inputRequests ?? {})).toEqual(['name'])
  })

  it('what was used up is remembered for as long as the state counts, and then forgotten', async () => {
    const clock = handClock()
    const { server } = served({ clock })
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'pay')
    clock.advance(10 * 60_000 - 1)
    await round(client, 'pay', { requestState, inputResponses })
    expect((await refused(round(client, 'pay', { requestState, inputResponses }))).message).toContain(
      'counts once',
    )
    clock.advance(10 * 60_000)
    expect((await refused(round(client, 'pay', { requestState, inputResponses }))).message).toContain(
      'expired',
    )
  })

  it('a store that rejects refuses the state, runs nothing, and its reason stays in the log', async () => {
    const nonces = store(() => Promise.reject(new Error('ECONNREFUSED 10.0.0.7:6379')))
    const { server, logged, runs } = served({ stores: { records: nonces } })
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'pay')
    const refusal = await refused(round(client, 'pay', { requestState, inputResponses }))
    expect([refusal.code, runs()]).toEqual([-32603, 1])
    expect(JSON.stringify([refusal.message, refusal.data])).not.toContain('10.0.0.7')
    expect(logged.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({ message: expect.stringContaining('nonce store did not answer') }),
    ])
  })

  it('a store that never answers refuses the state in the time that the call has', async () => {
    const { server, runs } = served({
      timeout: 100,
      stores: { records: store(() => new Promise(() => undefined)) },
    })
    const client = await open(cell, server, { capabilities: ableClient })
    const { requestState } = await round(client, 'pay')
    const signal = AbortSignal.timeout(3000)
    const settled = await round(client, 'pay', { requestState, inputResponses }, {}, { signal }).catch(
      (error: unknown) => error,
    )
    expect([signal.aborted, runs()]).toEqual([false, 1])
    expect(JSON.stringify(settled)).not.toContain('input_required')
  })
})

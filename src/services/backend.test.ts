import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ToolError } from '../errors/tool-error.js'
import { type BackendCall, backend } from './backend.js'

const call = (more: Partial<BackendCall> = {}): BackendCall => ({
  signal: new AbortController().signal,
  repeatable: true,
  remaining: () => 60_000,
  ...more,
})

const fast = { delay: 1, maxDelay: 2 } as const
const away = new Error('ECONNREFUSED')

/** Work that fails so often before it succeeds. */
function failing(times: number): { work: () => Promise<string>; runs: () => number } {
  let runs = 0
  return {
    runs: () => runs,
    async work() {
      runs += 1
      if (runs <= times) throw away
      return `run ${runs}`
    },
  }
}

describe('a backend', () => {
  it('tries again what may be done twice', async () => {
    const { work, runs } = failing(2)
    expect(await backend('orders', { retry: fast }).run(call(), work)).toBe('run 3')
    expect(runs()).toBe(3)
  })

  it.each<[why: string, more: Partial<BackendCall>, error: Error]>([
    ['may not be done twice', { repeatable: false }, away],
    ['has no time left', { remaining: () => 0 }, away],
    ['was left by its caller', { signal: AbortSignal.abort() }, away],
    ['was refused for good', {}, new ToolError('declined', { message: 'No.' })],
    ['was aborted', {}, Object.assign(new Error('Aborted.'), { name: 'AbortError' })],
  ])('does not try again what %s', async (_why, more, error) => {
    let runs = 0
    const work = (): Promise<never> => {
      runs += 1
      return Promise.reject(error)
    }
    await expect(backend('orders', { retry: fast }).run(call(more), work)).rejects.toBe(error)
    expect(runs).toBe(1)
  })

  it('gives up after its attempts, with what was thrown at last', async () => {
    const { work, runs } = failing(99)
    const orders = backend('orders', { retry: { ...fast, attempts: 3 }, breaker: false })
    await expect(orders.run(call(), work)).rejects.toBe(away)
    expect(runs()).toBe(4)
  })

  it('retries no more than a tenth when everything fails, whoever asks', async () => {
    const orders = backend('orders', { retry: fast, breaker: false })
    const { work, runs } = failing(Number.POSITIVE_INFINITY)
    for (let round = 0; round < 100; round += 1) {
      await Promise.allSettled(Array.from({ length: 10 }, () => orders.run(call(), work)))
    }
    // What was saved up, and a tenth of the calls.
    expect(runs() - 1000).toBeLessThanOrEqual(10 + 100)
    expect(runs() - 1000).toBeGreaterThanOrEqual(99)
    expect(orders.bounded[0]?.stats()).toMatchObject({ name: 'retries left (orders)', limit: 10 })
  })

  it.each([
    [{ retry: { attempts: -1 } }, 'retry.attempts'],
    [{ retry: { attempts: 11 } }, 'retry.attempts'],
    [{ retry: { budget: 2 } }, 'retry.budget'],
    [{ retry: { delay: 'soon' as never } }, 'retry.delay'],
    [{ breaker: { openFor: -1 } }, 'breaker.openFor'],
  ])('refuses %j', (options, what) => {
    expect(() => backend('orders', options)).toThrow(what)
  })
})

describe('the breaker of a backend', () => {
  let server: Server
  afterEach(() => server.close())

  it('leaves a backend alone that fails, says for how long, and comes back by itself', async () => {
    let healthy = false
    let asked = 0
    server = createServer((_req, res) => {
      asked += 1
      res.writeHead(healthy ? 200 : 503).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const orders = backend('orders', {
      retry: false,
      breaker: { openFor: 200, over: '1s', minimumPerSecond: 1 },
    })
    const ask = (): Promise<number> =>
      orders.run(call(), async (signal) => {
        const { status } = await fetch(url, { signal })
        if (status !== 200) throw new Error(`The backend answered ${status}.`)
        return status
      })
    const refusal = async (): Promise<unknown> => ask().catch((error: unknown) => error)
    await expect.poll(async () => ToolError.is(await refusal())).toBe(true)
    const before = asked
    const refused = (await refusal()) as ToolError
    expect(refused.code).toBe('backend_unavailable')
    expect(refused.details.retryAfterMs).toBeGreaterThan(0)
    expect(refused.details.retryAfterMs).toBeLessThanOrEqual(200)
    expect([asked, orders.health().status]).toEqual([before, 'degraded'])
    healthy = true
    await expect.poll(refusal).toBe(200)
    expect(orders.health()).toEqual({ name: 'orders', status: 'ok' })
  })
})

import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Stores } from '../../src/contracts/stores.js'
import { redis } from '../../src/stores/redis/index.js'
import { ownRedis } from './redis-process.js'
import { stallingProxy } from './stalling-proxy.js'

const available = spawnSync('redis-server', ['--version']).status === 0
const commandTimeoutMs = 200
/** What a busy machine may take beside the time limit itself. */
const slackMs = 300

interface Node {
  readonly stores: Required<Stores>
  /** What it logged, without what was only told. */
  readonly errors: string[]
  readonly infos: string[]
  readonly heard: string[]
}

function node(url: string, heartbeatMs = 100): Node {
  const [errors, infos, heard]: [string[], string[], string[]] = [[], [], []]
  const logger = {
    debug() {},
    info: (message: string) => void infos.push(message),
    warn: (message: string) => void errors.push(message),
    error: (message: string) => void errors.push(message),
  }
  const stores = redis({ url, commandTimeoutMs, heartbeatMs, logger }) as Required<Stores>
  onTestFinished(() => stores.close())
  stores.bus.subscribe('topic', (message) => heard.push(message))
  return { stores, errors, infos, heard }
}

const status = ({ stores }: Node): string | undefined => stores.health()[0]?.status

function outagesTold({ errors }: Node): number {
  return errors.filter((line) => line.startsWith('Redis is out of reach')).length
}

/** Every call that there is, at once; milliseconds until the last has settled. */
async function allReject({ stores }: Node): Promise<number> {
  const now = Date.now()
  const record = {
    ...{ id: 'a', owner: '', tool: 't', status: 'working' as const },
    ...{ createdAt: now, updatedAt: now, ttlMs: 60_000 },
  }
  const from = performance.now()
  const results = await Promise.allSettled([
    stores.cache.get('a'),
    stores.cache.set('a', 'b', 60_000),
    stores.records.setIfAbsent('a', 'b', 60_000),
    stores.records.delete('a'),
    stores.rates.take([{ key: 'a', cost: 1, rate: { intervalMs: 1, burst: 1 } }]),
    stores.tasks.create(record),
    stores.tasks.get('a'),
    stores.tasks.update(record),
    stores.leases.hold(['a'], 'me', 1000),
    stores.leases.claim('me', 1, 1000),
    stores.bus.publish('topic', 'lost'),
  ])
  const took = performance.now() - from
  for (const result of results) {
    expect(result.status).toBe('rejected')
    if (result.status === 'rejected') expect(String(result.reason)).toContain('Redis is out of reach')
  }
  return took
}

async function allWork(one: Node): Promise<void> {
  await expect.poll(() => status(one), { timeout: 10_000 }).toBe('ok')
  expect(await one.stores.rates.take([{ key: 'b', cost: 1, rate: { intervalMs: 1, burst: 1 } }])).toEqual({
    allowed: true,
  })
  await one.stores.cache.set('a', 'b', 60_000)
  expect(await one.stores.cache.get('a')).toBe('b')
}

/** What another node says reaches this one's listener. */
async function hears(one: Node, other: Node): Promise<void> {
  await expect
    .poll(
      async () => {
        await other.stores.bus.publish('topic', 'from the other')
        return one.heard.includes('from the other')
      },
      { timeout: 10_000 },
    )
    .toBe(true)
  one.heard.length = 0
}

describe.runIf(available)('when Redis goes away', () => {
  it('that was never there: calls are refused, and it works as soon as it comes', async () => {
    const own = await ownRedis()
    await own.kill()
    const one = node(own.url)
    expect(await allReject(one)).toBeLessThan(1500 + slackMs)
    expect(await allReject(one)).toBeLessThan(slackMs)
    expect(one.stores.health()).toEqual([
      {
        name: 'redis',
        status: 'degraded',
        message: expect.stringMatching(/^Redis is out of reach: [^\n]+\.$/),
      },
    ])
    await own.start()
    await allWork(one)
    await hears(one, node(own.url))
    expect(one.errors).toHaveLength(1)
  })

  it('by a restart that forgets all: refused at once, told once, and well again with its scripts and topics', async () => {
    const own = await ownRedis()
    const [one, other] = [node(own.url), node(own.url)]
    await allWork(one)
    await hears(one, other)
    for (let outage = 1; outage <= 2; outage += 1) {
      await own.kill()
      await expect.poll(() => status(one)).toBe('degraded')
      for (let n = 0; n < 20; n += 1) expect(await allReject(one)).toBeLessThan(slackMs)
      await expect.poll(() => outagesTold(one)).toBe(outage)
      await own.start()
      await allWork(one)
      await hears(one, other)
      expect(one.infos.filter((line) => line === 'Redis is back.')).toHaveLength(outage)
    }
    expect(one.heard).not.toContain('lost')
  })

  it('and somebody subscribes meanwhile: heard once it is back', async () => {
    const own = await ownRedis()
    const [one, other] = [node(own.url), node(own.url)]
    await allWork(one)
    await own.kill()
    await expect.poll(() => status(one)).toBe('degraded')
    const late: string[] = []
    const leave = one.stores.bus.subscribe('late', (message) => late.push(message))
    await own.start()
    await expect
      .poll(
        async () => {
          await Promise.resolve(other.stores.bus.publish('late', 'x')).catch(() => undefined)
          return late.length > 0
        },
        { timeout: 10_000 },
      )
      .toBe(true)
    leave()
    await hears(one, other)
    late.length = 0
    await other.stores.bus.publish('late', 'y')
    await hears(one, other)
    expect(late).toEqual([])
  })

  it('by hanging: the first callers wait for the time limit, all others for nothing', async () => {
    const own = await ownRedis()
    const one = node(own.url, 60_000)
    await allWork(one)
    own.hang()
    const first = await allReject(one)
    expect(first).toBeGreaterThan(commandTimeoutMs - 20)
    expect(first).toBeLessThan(commandTimeoutMs + slackMs)
    for (let n = 0; n < 20; n += 1) expect(await allReject(one)).toBeLessThan(slackMs)
    own.goOn()
    await allWork(one)
  })

  it('behind a network that swallows: noticed without any call, on both connections, and over when it is', async () => {
    const own = await ownRedis()
    const proxy = await stallingProxy(own.port)
    const one = node(`redis://127.0.0.1:${proxy.port}`)
    const other = node(own.url)
    await allWork(one)
    await hears(one, other)
    proxy.stall()
    await expect.poll(() => status(one), { timeout: 2000 }).toBe('degraded')
    expect(await allReject(one)).toBeLessThan(slackMs)
    expect(outagesTold(one)).toBe(1)
    proxy.goOn()
    await allWork(one)
    await hears(one, other)
  })

  it('by FLUSHALL: what was kept is gone, and all goes on', async () => {
    const own = await ownRedis()
    const one = node(own.url)
    await allWork(one)
    spawnSync('redis-cli', ['-p', String(own.port), 'FLUSHALL'])
    spawnSync('redis-cli', ['-p', String(own.port), 'SCRIPT', 'FLUSH'])
    expect(await one.stores.cache.get('a')).toBeUndefined()
    await allWork(one)
    expect(one.errors).toEqual([])
  })

  it('by a password that is wrong: said once, and neither logged nor thrown', async () => {
    const own = await ownRedis()
    spawnSync('redis-cli', ['-p', String(own.port), 'CONFIG', 'SET', 'requirepass', 'right'])
    const seen: unknown[] = []
    const logger = { ...silent, error: (message: string, fields?: object) => void seen.push(message, fields) }
    const stores = redis({ url: `redis://:not-this-one@127.0.0.1:${own.port}`, logger }) as Required<Stores>
    onTestFinished(() => stores.close())
    const refused = await stores.cache.set('a', 'a private value', 1000).catch((error: unknown) => error)
    expect(String(refused)).toContain('WRONGPASS')
    expect(seen).toHaveLength(2)
    expect(inspect([seen, refused], { depth: 20 })).not.toMatch(/not-this-one|a private value/)
  })

  it('for good: a server that closes does not wait for it', async () => {
    const own = await ownRedis()
    const one = node(own.url)
    await allWork(one)
    own.hang()
    const from = performance.now()
    await one.stores.close()
    expect(performance.now() - from).toBeLessThan(commandTimeoutMs + slackMs)
    await expect(one.stores.cache.get('a')).rejects.toThrow('The connection to Redis is closed')
    own.goOn()
  })

  it('takes no more commands than it says while Redis does not answer', async () => {
    const own = await ownRedis()
    const stores = redis({ url: own.url, maxInFlight: 10, logger: silent }) as Required<Stores>
    onTestFinished(() => stores.close())
    await stores.cache.get('a')
    own.hang()
    const results = await Promise.allSettled(Array.from({ length: 50 }, () => stores.cache.get('a')))
    const full = results.filter(
      (result) => result.status === 'rejected' && String(result.reason).includes('10 commands wait'),
    )
    expect(full).toHaveLength(40)
    expect(stores.bounded[0]?.stats()).toEqual({
      ...{ name: 'commands to Redis', size: 0, limit: 10, unit: 'entries', dropped: 40 },
    })
    own.goOn()
  })
})

const silent = { debug() {}, info() {}, warn() {}, error() {} }

import fc from 'fast-check'
import { connect, type TestClient } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { createServer } from '../../src/index.js'
import { fuzzRuns } from '../fuzz-runs.js'
import { handClock, keepingLogger } from '../protocol/support.js'

const ttlMs = 1000
const staleMs = 500
const keys = ['a', 'b'] as const
type Key = (typeof keys)[number]
const input = {
  type: 'object',
  properties: { key: { type: 'string', enum: keys, description: 'Which.' } },
  required: ['key'],
} as const

interface Load {
  readonly key: Key
  readonly begun: number
  finished: number | undefined
  /** It failed by itself, and not because nobody waited for it. */
  failed: boolean
  finish(fails: boolean): void
}

interface Asked {
  readonly key: Key
  readonly begun: number
  readonly leave: AbortController
  /** Loads of its key that were running when it began. */
  readonly running: readonly number[]
  left: boolean
  outcome: { readonly load: number } | 'failed' | 'left' | undefined
}

/** Everything that happened, by a counter that never stands still, and by the clock of the server. */
class World {
  readonly clock = handClock()
  readonly loads: Load[] = []
  readonly asked: Asked[] = []
  readonly invalidated: { readonly key: Key; readonly at: number }[] = []
  readonly times: number[] = []
  #event = 0

  tick(): number {
    this.#event += 1
    this.times[this.#event] = this.clock.now()
    return this.#event
  }

  running(key: Key): readonly number[] {
    return this.loads.flatMap((load, index) =>
      load.key === key && load.finished === undefined ? [index] : [],
    )
  }
}

type Step = (
  world: World,
  client: TestClient,
  invalidate: (key: Key) => Promise<void>,
) => void | Promise<void>

const key = fc.constantFrom(...keys)
const pick = fc.nat({ max: 1000 })

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: key.map<Step>((key) => (world, client) => void ask(world, client, key)) },
  {
    weight: 4,
    arbitrary: fc.tuple(pick, fc.boolean()).map<Step>(([at, fails]) => (world) => {
      const open = world.loads.filter(({ finished }) => finished === undefined)
      const one = open[at % Math.max(1, open.length)]
      if (one === undefined) return
      one.failed = fails && at % 3 === 0
      one.finish(one.failed)
    }),
  },
  { weight: 2, arbitrary: key.map<Step>((key) => (_world, _client, invalidate) => invalidate(key)) },
  {
    weight: 2,
    arbitrary: pick.map<Step>((at) => (world) => {
      const waiting = world.asked.filter(({ outcome, left }) => outcome === undefined && !left)
      const one = waiting[at % Math.max(1, waiting.length)]
      if (one === undefined) return
      one.left = true
      one.leave.abort()
    }),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 1, max: 2000 }).map<Step>((ms) => (world) => world.clock.advance(ms)),
  },
)

function ask(world: World, client: TestClient, key: Key): void {
  const one: Asked = {
    key,
    begun: world.tick(),
    leave: new AbortController(),
    running: world.running(key),
    left: false,
    outcome: undefined,
  }
  world.asked.push(one)
  client.callTool('read', { key }, { signal: one.leave.signal }).then(
    ({ structuredContent, isError }) => {
      one.outcome = isError ? 'failed' : { load: (structuredContent as { load: number }).load }
    },
    () => {
      one.outcome = 'left'
    },
  )
}

/** Lets everything that can go on without time or a load go on. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('a cache, whatever happens in whatever order', () => {
  it('makes one answer at a time for a key, and gives none that is older than a change or its time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 40 }), async (all) => {
        const world = new World()
        const server = createServer({
          name: 'cached',
          version: '1.0.0',
          clock: world.clock,
          logger: keepingLogger(),
          timeout: '1h',
        })
        // What is loaded late is loaded now, and not in the middle of a story.
        server.tool(
          'warm',
          { description: 'Warms up.', annotations: { readOnlyHint: true }, input, cache: { ttl: 1 } },
          () => 'warm',
        )
        server.tool(
          'read',
          {
            description: 'Reads.',
            annotations: { readOnlyHint: true },
            input,
            cache: { ttl: ttlMs, staleWhileRevalidate: staleMs, tags: ({ key }) => [key] },
          },
          ({ key }, ctx) =>
            new Promise((resolve, reject) => {
              const load = world.loads.length
              const own: Load = {
                key,
                begun: world.tick(),
                finished: undefined,
                failed: false,
                finish(fails) {
                  own.finished = world.tick()
                  if (fails) reject(new Error('Away.'))
                  else resolve({ load })
                },
              }
              world.loads.push(own)
              ctx.signal.addEventListener('abort', () => own.finished === undefined && own.finish(true))
            }),
        )
        const client = await connect(server, { revision: '2026-07-28', timeoutMs: 60_000 })
        await client.callTool('warm', { key: 'a' })
        const invalidate = async (key: Key): Promise<void> => {
          await server.invalidate(key)
          world.invalidated.push({ key, at: world.tick() })
        }
        for (const step of all) {
          await step(world, client, invalidate)
          await settle()
        }
        // What was invalidated while it was made goes on for those who wait: one load more for each of those, never two of one age.
        for (const one of keys) {
          const open = world.running(one)
          const changes = world.invalidated.filter(({ key }) => key === one).length
          expect(open.length).toBeLessThanOrEqual(1 + changes)
        }
        while (world.loads.some(({ finished }) => finished === undefined)) {
          for (const load of world.loads) if (load.finished === undefined) load.finish(false)
          await settle()
        }
        for (const one of world.asked) {
          // Nobody hangs, and who did not leave is answered, whoever else left.
          expect(one.outcome).toBeDefined()
          if (!one.left) expect(one.outcome).not.toBe('left')
          if (one.outcome === 'failed' && !one.left) {
            const why = world.loads.some(
              ({ key, failed, finished = 0 }) => key === one.key && failed && finished > one.begun,
            )
            expect(why).toBe(true)
          }
          if (typeof one.outcome !== 'object') continue
          const load = world.loads[one.outcome.load]
          if (load === undefined) throw new Error('There was no such load.')
          expect(load.key).toBe(one.key)
          const changes = world.invalidated.filter(({ key, at }) => key === one.key && at < one.begun)
          for (const { at } of changes) expect(load.begun).toBeGreaterThan(at)
          const finished = load.finished ?? Number.POSITIVE_INFINITY
          if (finished < one.begun) {
            const age = (world.times[one.begun] ?? 0) - (world.times[finished] ?? 0)
            expect(age).toBeLessThan(ttlMs + staleMs)
          }
        }
        // Calls that began while their answer was made, and no change came between, began no second load.
        for (const [index, load] of world.loads.entries()) {
          const twin = world.loads.find(
            (other, at) =>
              at < index &&
              other.key === load.key &&
              (other.finished ?? Number.POSITIVE_INFINITY) > load.begun &&
              !world.invalidated.some(
                ({ key, at: when }) => key === load.key && when > other.begun && when < load.begun,
              ),
          )
          expect(twin).toBeUndefined()
        }
        await client.close()
        await server.close({ timeoutMs: 0 })
      }),
      { numRuns: fuzzRuns(80) },
    )
  })
})

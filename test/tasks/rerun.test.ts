import { createServer, type Principal, type Server, type Stores } from 'holdfast'
import { connect, type TestClient } from 'holdfast/testing'
import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/contracts/clock.js'
import { createMemoryBus } from '../../src/stores/memory/memory-bus.js'
import { MemoryTaskStore } from '../../src/stores/memory/memory-task-store.js'
import { keepingLogger } from '../protocol/support.js'
import { lookUntil, taskClient } from './support.js'

type Leases = NonNullable<Stores['leases']>

/** Leases of one process; `mute` takes the signs away from who has some by then, as if its node had died. */
function leasesOfProcess(): Leases & { mute(): void } {
  const held = new Map<string, { readonly holder: string; readonly until: number }>()
  const muted = new Set<string>()
  return {
    mute() {
      for (const { holder } of held.values()) muted.add(holder)
    },
    async hold(ids, holder, ttlMs) {
      const lost = ids.filter((id) => (held.get(id)?.holder ?? holder) !== holder)
      if (muted.has(holder)) return lost
      for (const id of ids) if (!lost.includes(id)) held.set(id, { holder, until: Date.now() + ttlMs })
      return lost
    },
    async release(ids, holder) {
      for (const id of ids) if (held.get(id)?.holder === holder) held.delete(id)
    },
    async claim(holder, limit, ttlMs) {
      if (muted.has(holder)) return []
      const ids = [...held].filter(([, { until }]) => until <= Date.now()).slice(0, limit)
      for (const [id] of ids) held.set(id, { holder, until: Date.now() + ttlMs })
      return ids.map(([id]) => id)
    },
  }
}

/** Two servers that share tasks. What runs on the first never ends; the second says who called it with what. */
async function pair(principal: Principal, annotations: object, more: object = {}) {
  const shared = {
    ...{ bus: createMemoryBus(), tasks: new MemoryTaskStore(100, systemClock), leases: leasesOfProcess() },
  }
  const node = (work: (args: unknown, caller: Principal) => unknown): Server => {
    const server = createServer({
      ...{ name: 'pair', version: '1.0.0', logger: keepingLogger(), stores: shared },
      ...{ keys: ['one secret for both nodes of the pair'], tasks: { lease: '150ms' } },
    })
    onTestFinished(() => server.close({ timeoutMs: 50 }))
    const input = { type: 'object', properties: { month: { type: 'string' } } } as const
    const options = {
      description: 'Works.',
      task: 'optional',
      annotations,
      input,
      permissions: ['work'],
      ...more,
    } as const
    server.tool('work', options, (args, ctx) => work(args, ctx.principal))
    return server
  }
  const open = async (server: Server): Promise<TestClient> => {
    const options = {
      transport: 'memory',
      revision: '2026-07-28',
      capabilities: taskClient,
      principal,
    } as const
    const client = await connect(server, options)
    onTestFinished(() => client.close())
    return client
  }
  const runs: unknown[] = []
  const first = await open(node(() => new Promise(() => undefined)))
  const second = await open(
    node((args, { permissions, ...caller }) => {
      runs.push({ args, ...caller, permissions: [...permissions] })
      return 'done'
    }),
  )
  const params = { name: 'work', arguments: { month: 'July' } }
  const { taskId } = await first.request<{ taskId: string }>('tools/call', params)
  // The second begins to look with its first task of its own, or when asked.
  await second.request('tasks/get', { taskId })
  shared.leases.mute()
  return {
    end: () => lookUntil(second, taskId, ({ status }) => status !== 'working'),
    runs,
    kept: () => shared.tasks.get(taskId),
  }
}

const ada: Principal = {
  ...{ kind: 'user', issuer: 'https://issuer.example', subject: 'ada' },
  ...{ permissions: new Set(['work', 'rest']), claims: { team: 'reports' } },
}

it.each([{ idempotentHint: true }, { readOnlyHint: true }])(
  'runs again with what it was called with, by who called it: %o',
  async (annotations) => {
    const { end, runs } = await pair(ada, annotations)
    expect(await end()).toMatchObject({ status: 'completed', result: { content: [{ text: 'done' }] } })
    expect(runs).toEqual([{ args: { month: 'July' }, ...ada, permissions: ['work', 'rest'] }])
  },
)

it('does not run again for a caller whose credential has expired since', async () => {
  const { kept, runs } = await pair({ ...ada, expiresAt: Date.now() + 150 }, { idempotentHint: true })
  // By then its credential counts for nobody who looks either.
  await expect.poll(async () => (await kept())?.status).toBe('failed')
  expect((await kept())?.statusMessage).toMatch(/interrupted.*credential/)
  expect(runs).toEqual([])
})

it.each<readonly [string, object, object]>([
  ['says nothing of it', {}, {}],
  ['names its intents', { idempotentHint: true }, { idempotencyKey: () => 'one' }],
])('does not run again what %s', async (_what, annotations, more) => {
  const { end, runs } = await pair(ada, annotations, more)
  const { status, error } = await end()
  expect([status, runs]).toEqual(['failed', []])
  expect(error?.message).toContain('interrupted')
})

import { expect, it, vi } from 'vitest'
import { keepingLogger } from '../../../test/protocol/support.js'
import { systemClock } from '../../contracts/clock.js'
import { ToolError } from '../../errors/tool-error.js'
import type { ThreadPool } from './thread-pool.js'
import { WorkerPool } from './worker-pool.js'

const given = vi.hoisted(() => ({ jobs: [] as unknown[] }))

/** Threads that never answer: what is here is asked of the pool alone. */
vi.mock('./thread-pool.js', () => ({
  openThreadPool: async (): Promise<ThreadPool> => ({
    threads: [],
    run: (job) => {
      given.jobs.push(job)
      return new Promise(() => undefined)
    },
    on: () => undefined,
    destroy: async () => undefined,
  }),
}))

it('a call that ends while it is let in gets no thread, because nobody would stop it there', async () => {
  const options = { threads: 1, maxQueue: 1, memoryMb: 64, idleMs: 1000 }
  const pool = await WorkerPool.open({ ...options, clock: systemClock, logger: keepingLogger() })
  for (const turns of [0, 1]) {
    const leave = new AbortController()
    const run = pool.run(
      'file:///work.js',
      {},
      {
        name: 'work',
        signal: leave.signal,
        log: keepingLogger(),
        remaining: () => 1000,
        progress: async () => undefined,
        error: (code, details) => new ToolError(code, { message: '', ...details }),
      },
    )
    for (let turn = 0; turn < turns; turn += 1) await null
    leave.abort(new Error('left'))
    await expect(run).rejects.toThrow('left')
    expect(given.jobs).toHaveLength(turns)
  }
})

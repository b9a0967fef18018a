import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'holdfast/testing'
import { beforeAll, expect, it } from 'vitest'
import { built, workerServer } from '../workers/support.js'

/** `npm run load:workers` takes longer, and shows what it measured. */
const long = process.env['MODE'] === 'load'
const loopMs = long ? 5000 : 1000
/** What a worker may add to the delay of the event loop, at the 99th percentile. */
const mostAddedMs = 50

let library: Awaited<ReturnType<typeof built>>
beforeAll(async () => {
  library = await built()
}, 180_000)

/** Milliseconds by which the event loop is late, at the 99th percentile, while the work runs. */
async function delayDuring(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  await work()
  delay.disable()
  return delay.percentile(99) / 1e6
}

it('a loop of seconds in a worker leaves the event loop as free as it is without', async () => {
  const { server } = workerServer(library, { workers: { threads: 1 } })
  const client = await connect(server)
  await client.callTool('sum', { numbers: [1] })
  const idle = await delayDuring(() => pause(loopMs))
  const looping = await delayDuring(() => client.callTool('spin', { ms: loopMs }))
  if (long)
    process.stderr.write(
      `p99 of the delay: idle ${idle.toFixed(1)} ms, with a loop of ${loopMs} ms in a worker ${looping.toFixed(1)} ms\n`,
    )
  expect(looping).toBeLessThan(idle + mostAddedMs)
  // The measure would see it: the same loop in this thread.
  const blocked = await delayDuring(async () => {
    await pause(20)
    const end = performance.now() + 300
    while (performance.now() < end);
    await pause(20)
  })
  expect(blocked).toBeGreaterThan(idle + mostAddedMs)
  await client.close()
})

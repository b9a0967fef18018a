import { expect, it } from 'vitest'
import { handClock, open, testServer } from '../protocol/support.js'
import { begin, lookUntil, memoryCells, tasked } from '../tasks/support.js'
import { type Link, memory } from './spill-server.js'

const minute = 60_000

/** Minutes for which what a link leads to is kept. */
function keptFor({ _meta }: Link, now: number): number {
  return Math.round((Date.parse(_meta['dev.holdfast/spill'].expiresAt) - now) / minute)
}

it("a task's result leads to what is kept 15 minutes longer than the task", async () => {
  const [cell = expect.unreachable()] = memoryCells
  const clock = handClock(Date.now())
  const { client } = await tasked(cell, (ctx) => ctx.spill('all', { name: 'all.txt' }), {
    server: { clock, tasks: { ttl: '2h' } },
  })
  const { taskId } = await begin(client)
  const { result } = await lookUntil(client, taskId, ({ status }) => status === 'completed')
  expect(keptFor(result?.content?.[0] as unknown as Link, clock.now())).toBe(135)
})

it('a cached answer leads to what is kept 15 minutes longer than it, or as long as the server says', async () => {
  for (const [cached, usual, kept] of [
    ['1h', '10m', 75],
    ['1m', '2h', 120],
  ] as const) {
    const clock = handClock(Date.now())
    const { server } = testServer({ clock, spill: { ttl: usual }, results: { bytes: 8192 } })
    const options = { description: 'Keeps.', annotations: { readOnlyHint: true }, cache: { ttl: cached } }
    server.tool('spills', options, (_args, ctx) => ctx.spill('all', { name: 'all.txt' }))
    server.tool('is-cut', options, () => 'x'.repeat(10_000))
    const client = await open(memory, server)
    for (const name of ['spills', 'is-cut']) {
      const { content } = await client.callTool(name)
      const link = content.find(({ type }) => type === 'resource_link') as unknown as Link
      expect([name, keptFor(link, clock.now())]).toEqual([name, kept])
    }
  }
})

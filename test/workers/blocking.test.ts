import { once } from 'node:events'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Program, type Report, start, stopPrograms } from './program.js'
import { build } from './support.js'

// The built library in a process of its own: what is watched is a whole process.

beforeAll(build, 180_000)
afterEach(stopPrograms)

/** The detector begins some time after the first answer; a short block shows when it is there. */
async function watched(env: Readonly<Record<string, string>> = {}): Promise<Program> {
  const server = start(env)
  await expect
    .poll(
      async () => {
        await server.call('blocks-at-once', { ms: 400 })
        await server.call('quick')
        return server.reports.length
      },
      { interval: 100, timeout: 15_000 },
    )
    .toBeGreaterThan(0)
  return server
}

/** Of the work alone: on a busy machine the loop is late for other reasons, too. */
async function nextReport(
  server: Program,
  fits: Partial<Report>,
  work: () => Promise<unknown>,
): Promise<Report> {
  const before = server.reports.length
  const found = (): Report | undefined =>
    server.reports
      .slice(before)
      .find(({ tool, resource }) => tool === fits.tool && resource === fits.resource)
  await expect
    .poll(
      async () => {
        await work()
        return found()
      },
      { interval: 300, timeout: 15_000 },
    )
    .toBeDefined()
  return found() ?? expect.unreachable()
}

describe('a handler that blocks the event loop', () => {
  it('is named, with its stack, before and after an await, whoever else runs; one after another', async () => {
    const server = await watched()
    for (const name of ['blocks-at-once', 'blocks-later']) {
      const report = await nextReport(server, { tool: name }, async () => {
        const other = server.call('waits', { ms: 50 })
        await server.call(name, { ms: 450 })
        await other
      })
      expect(report).toMatchObject({
        level: 'warn',
        tool: name,
        message: `The event loop was blocked by the tool "${name}", and no other call could go on; do such work in a worker, or in pieces.`,
      })
      expect(report.blockedMs).toBeGreaterThan(350)
      expect(report.lookedAfterMs).toBeGreaterThanOrEqual(200)
      expect(report.lookedAfterMs).toBeLessThan(report.blockedMs + 100)
      expect(report.stack?.[0]).toMatch(/^at countForLong \(file:.*\/blocking\/server\.mjs:\d+:\d+\)$/)
    }
    // A tool's first call waits for its schema to be compiled.
    await server.call('blocks-natively', { ms: 1 })
    const native = await nextReport(server, { tool: 'blocks-natively' }, () =>
      server.call('blocks-natively', { ms: 450 }),
    )
    expect(native.blockedMs).toBeGreaterThan(350)
    const report = await nextReport(server, { resource: 'slow' }, () =>
      server.request('resources/read', { uri: 'app://slow' }),
    )
    expect(report).toMatchObject({ resource: 'slow' })
    expect(server.reports.map(({ tool }) => tool)).not.toContain('waits')
    expect((await server.counters())['blockedLoops']).toBeGreaterThanOrEqual(3)
  })

  it('below the limit is not reported, and the limit is an option', async () => {
    const server = await watched({ BLOCKING: '{"after":"300ms"}' })
    const { blockedLoops } = await server.counters()
    const before = server.reports.length
    for (let count = 0; count < 5; count += 1) await server.call('blocks-later', { ms: 60 })
    expect((await server.counters())['blockedLoops']).toBe(blockedLoops)
    expect(server.reports.length).toBe(before)
  })

  it('that blocks again and again is counted each time and reported once a second', async () => {
    const server = await watched({ BLOCKING: '{"after":50}' })
    const { blockedLoops = 0 } = await server.counters()
    const before = server.reports.length
    const from = performance.now()
    for (let count = 0; count < 12; count += 1) await server.call('blocks-later', { ms: 120 })
    const seconds = (performance.now() - from) / 1000
    await server.call('quick')
    expect((await server.counters())['blockedLoops']).toBeGreaterThanOrEqual(blockedLoops + 10)
    expect(server.reports.length - before).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
    expect(server.reports.length - before).toBeGreaterThan(0)
  })

  it('for ten times the limit is told on stderr while it blocks', async () => {
    const server = await watched({ BLOCKING: '{"after":"100ms"}' })
    void server.call('blocks-at-once', { ms: 60_000 })
    await expect.poll(() => server.reports.at(-1)?.level, { timeout: 15_000 }).toBe('error')
    const last = server.reports.at(-1)
    expect(last?.message).toBe('The event loop is blocked and nothing is answered.')
    // Whether it may be looked at depends on when it was looked last, and a slow machine may have been blocked before the handler began.
    if (last?.stack?.[0]?.includes('countForLong') === true) expect(last.tool).toBe('blocks-at-once')
  })
})

describe('the detector', () => {
  const off = [
    ['with blocking: false', { BLOCKING: 'false' }, []],
    ['in production', { NODE_ENV: 'production' }, []],
    ['under --inspect', {}, ['--inspect=127.0.0.1:0']],
  ] as const

  it('is off with blocking: false, in production, and under --inspect', async () => {
    await Promise.all(
      off.map(async ([how, env, flags]) => {
        const server = start(env, flags)
        await server.call('quick')
        // As long as it takes where it is on.
        await server.call('waits', { ms: 400 })
        await server.call('blocks-later', { ms: 400 })
        expect([how, server.reports]).toEqual([how, []])
        expect((await server.counters())['blockedLoops']).toBe(0)
      }),
    )
  })

  it('is on in production for who asks, and keeps no process from ending', async () => {
    const server = await watched({ NODE_ENV: 'production', BLOCKING: '{}' })
    const exited = once(server.child, 'exit')
    server.child.stdin.end()
    expect(await exited).toEqual([0, null])
  })
})

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'

// The built library in a process of its own: what is watched is a whole process.

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = fileURLToPath(new URL('../fixtures/blocking/server.mjs', import.meta.url))
const running = new Set<ChildProcessWithoutNullStreams>()

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/build.mjs', '--library'], { cwd: root, stdio: ['ignore', 2, 2] })
}, 180_000)

afterEach(async () => {
  for (const child of running) {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.kill('SIGKILL')) await gone
  }
  running.clear()
})

interface Report {
  readonly level: string
  readonly message: string
  readonly tool?: string
  readonly resource?: string
  readonly blockedMs: number
  readonly lookedAfterMs?: number
  readonly stack?: readonly string[]
}

interface Blocking {
  readonly child: ChildProcessWithoutNullStreams
  request(method: string, params: object): Promise<{ readonly result?: Readonly<Record<string, unknown>> }>
  call(name: string, args?: object): ReturnType<Blocking['request']>
  counters(): Promise<Readonly<Record<string, number>>>
  readonly reports: readonly Report[]
}

function start(env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): Blocking {
  const { PORT: _, NODE_ENV: __, NODE_OPTIONS: ___, ...inherited } = process.env
  const child = spawn(process.execPath, [...flags, program, '--stdio'], { env: { ...inherited, ...env } })
  running.add(child)
  const reports: Report[] = []
  const waiting = new Map<number, (message: never) => void>()
  createInterface(child.stderr).on('line', (text) => {
    if (/event loop/.test(text)) reports.push(JSON.parse(text) as Report)
  })
  createInterface(child.stdout).on('line', (text) => {
    const message = JSON.parse(text) as { readonly id: number }
    waiting.get(message.id)?.(message as never)
  })
  let lastId = 0
  const request: Blocking['request'] = (method, params) => {
    lastId += 1
    const id = lastId
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })}\n`)
    return new Promise((resolve) => waiting.set(id, resolve))
  }
  const call: Blocking['call'] = (name, args = {}) => request('tools/call', { name, arguments: args })
  const counters: Blocking['counters'] = async () =>
    (await call('stats')).result?.['structuredContent'] as Readonly<Record<string, number>>
  return { child, request, call, counters, reports }
}

/** The detector begins some time after the first answer; a short block shows when it is there. */
async function watched(env: Readonly<Record<string, string>> = {}): Promise<Blocking> {
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

async function nextReport(server: Blocking, work: () => Promise<unknown>): Promise<Report> {
  const before = server.reports.length
  await expect
    .poll(
      async () => {
        await work()
        return server.reports.at(-1)?.stack !== undefined && server.reports.length > before
      },
      { interval: 1100, timeout: 15_000 },
    )
    .toBe(true)
  return server.reports.at(-1) ?? expect.unreachable()
}

describe('a handler that blocks the event loop', () => {
  it('is named, with its stack, before and after an await, whoever else runs; one after another', async () => {
    const server = await watched()
    for (const name of ['blocks-at-once', 'blocks-later', 'blocks-at-once']) {
      const report = await nextReport(server, async () => {
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
    const report = await nextReport(server, () => server.request('resources/read', { uri: 'app://slow' }))
    expect(report).toMatchObject({ resource: 'slow' })
    expect((await server.counters())['blockedLoops']).toBeGreaterThanOrEqual(4)
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

  it('for five seconds is told on stderr while it blocks', async () => {
    const server = await watched()
    void server.call('blocks-at-once', { ms: 60_000 })
    await expect.poll(() => server.reports.at(-1)?.level, { timeout: 15_000 }).toBe('error')
    expect(server.reports.at(-1)).toMatchObject({
      tool: 'blocks-at-once',
      message: 'The event loop is blocked and nothing is answered.',
      stack: [expect.stringContaining('countForLong'), ...new Array(7).fill(expect.any(String))],
    })
  })
})

describe('the detector', () => {
  const off = [
    ['with blocking: false', { BLOCKING: 'false' }, []],
    ['in production', { NODE_ENV: 'production' }, []],
    ['under --inspect', {}, ['--inspect=127.0.0.1:0']],
  ] as const

  it.each(off)('is off %s', async (_, env, flags) => {
    const server = start(env, flags)
    await server.call('quick')
    // As long as it takes where it is on.
    await server.call('waits', { ms: 400 })
    await server.call('blocks-later', { ms: 400 })
    expect(server.reports).toEqual([])
    expect((await server.counters())['blockedLoops']).toBe(0)
  })

  it('is on in production for who asks, and keeps no process from ending', async () => {
    const server = await watched({ NODE_ENV: 'production', BLOCKING: '{}' })
    const exited = once(server.child, 'exit')
    server.child.stdin.end()
    expect(await exited).toEqual([0, null])
  })
})

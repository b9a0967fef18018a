import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { compileSources } from '../../test/compile.js'

const fixture = fileURLToPath(new URL('../../test/fixtures/stdio/server.mjs', import.meta.url))
const compiled = compileSources(['node', 'transports/stdio'])
const running = new Set<ChildProcessWithoutNullStreams>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})
afterAll(() => compiled.remove())

interface Answer {
  id?: number
  result?: unknown
  unreadable?: string
}

interface Run {
  child: ChildProcessWithoutNullStreams
  /** Every line of stdout so far; a line that is no JSON fails the test. */
  lines: Answer[]
  stderr(): string
  call(method: string, params?: object): Promise<Answer>
  exited: Promise<{ code: number | null; signal: string | null; ms: number }>
}

function start(options: object = {}, flags: readonly string[] = []): Run {
  const child = spawn(process.execPath, ['--no-deprecation', fixture, compiled.folder, ...flags], {
    env: { ...process.env, SERVE_OPTIONS: JSON.stringify(options) },
  })
  running.add(child)
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin.on('error', () => {})
  const lines: Answer[] = []
  const waiting = new Map<number, (answer: Answer) => void>()
  let lastId = 0
  createInterface(child.stdout).on('line', (line) => {
    const answer = JSON.parse(line) as Answer
    lines.push(answer)
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  const started = performance.now()
  const exited = once(child, 'close').then(([code, signal]: unknown[]) => ({
    code: typeof code === 'number' ? code : null,
    signal: typeof signal === 'string' ? signal : null,
    ms: performance.now() - started,
  }))
  return {
    child,
    lines,
    stderr: () => stderr,
    exited,
    call(method, params = {}) {
      lastId += 1
      const id = lastId
      const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve))
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
      return answer
    },
  }
}

const count = (text: string, part: string): number => text.split(part).length - 1

describe('stray output', () => {
  const kinds: [kind: string, printed: string[]][] = [
    ['console', ['STRAY log', 'STRAY info', 'STRAY debug', 'STRAY: 1', '│ STRAY', 'STRAY group']],
    ['write', ['STRAY write']],
    ['end', ['STRAY end']],
    ['dependency', ['STRAY dependency\n', 'STRAY dependency child']],
    ['fs', ['STRAY writeSync', 'STRAY writeFileSync', 'STRAY stream']],
    ['children', ['STRAY child', 'STRAY forked', 'STRAY exec']],
    ['worker', ['STRAY worker']],
  ]
  it.each(kinds)('sends what %s prints to stderr and names the place once', async (kind, printed) => {
    const run = start()
    await run.call('stray', { kind })
    await run.call('stray', { kind })
    expect((await run.call('echo', { text: 'still here' })).result).toBe('still here')
    run.child.stdin.end()
    expect(await run.exited).toMatchObject({ code: 0 })
    expect(run.lines).toHaveLength(3)
    for (const text of printed) expect(run.stderr()).toContain(text)
    const warnings = run.stderr().match(/stdout carries the protocol: .*/g) ?? []
    expect(warnings.length).toBeGreaterThan(0)
    expect(new Set(warnings).size).toBe(warnings.length)
    if (kind !== 'worker') {
      for (const warning of warnings)
        expect(warning).toMatch(/fixtures\/stdio\/(server\.mjs|dependency\.cjs):\d+ /)
    }
  })

  it('warns for each place, not for each write', async () => {
    const run = start()
    for (let n = 0; n < 5; n += 1) await run.call('stray', { kind: 'write' })
    run.child.stdin.end()
    await run.exited
    expect(count(run.stderr(), 'STRAY write')).toBe(5)
    expect(count(run.stderr(), 'stdout carries the protocol')).toBe(1)
  })
})

describe('--isolate-stdout', () => {
  it('lets nothing escape, not even what bypasses JavaScript', async () => {
    const run = start({}, ['--isolate-stdout'])
    for (const kind of ['native', 'console', 'children', 'dependency', 'fs', 'worker']) {
      await run.call('stray', { kind })
    }
    expect((await run.call('echo', { text: 'é' })).result).toBe('é')
    run.child.stdin.end()
    expect(await run.exited).toMatchObject({ code: 0 })
    expect(run.lines).toHaveLength(7)
    expect(run.stderr()).toContain('STRAY binding')
    expect(run.stderr()).toContain('STRAY child')
  })

  it('forwards SIGTERM and the exit code, and ends the child when the launcher is killed', async () => {
    const polite = start({}, ['--isolate-stdout'])
    await polite.call('echo', { text: '' })
    const answer = polite.call('sleep', { ms: 300 })
    await polite.call('echo', { text: 'the call is in flight' })
    polite.child.kill('SIGTERM')
    expect((await answer).result).toBe('slept')
    expect(await polite.exited).toMatchObject({ code: 0, signal: null })

    const killed = start({}, ['--isolate-stdout'])
    await killed.call('echo', { text: '' })
    void killed.call('sleep', { ms: 60_000 })
    await killed.call('echo', { text: '' })
    killed.child.kill('SIGKILL')
    // `close` comes only when the child of the launcher has let go of stdout and stderr too.
    expect(await killed.exited).toMatchObject({ signal: 'SIGKILL' })
    expect(killed.stderr()).toContain('ABORTED')
  })
})

describe('a slow reader', () => {
  it('gets 5 MB whole while the event loop goes on', async () => {
    const run = start()
    await run.call('delay')
    const size = 2_500_000
    const answer = run.call('big', { size })
    run.child.stdout.on('data', () => {
      run.child.stdout.pause()
      setTimeout(() => run.child.stdout.resume(), 10)
    })
    expect(String((await answer).result)).toHaveLength(size)
    const { result } = await run.call('delay')
    expect(Number(result)).toBeLessThan(200)
    run.child.stdin.end()
    expect(await run.exited).toMatchObject({ code: 0 })
  })

  it.each(['end', 'SIGTERM'] as const)('gets it whole when the process is told to end (%s)', async (how) => {
    const run = start()
    run.child.stdout.pause()
    const size = 2_500_000
    run.child.stdin.write(`${JSON.stringify({ id: 1, method: 'big', params: { size } })}\n`)
    await once(run.child.stdout, 'readable')
    if (how === 'end') run.child.stdin.end()
    else run.child.kill('SIGTERM')
    run.child.stdout.on('data', () => {
      run.child.stdout.pause()
      setTimeout(() => run.child.stdout.resume(), 5)
    })
    expect(await run.exited).toMatchObject({ code: 0 })
    expect(String(run.lines[0]?.result)).toHaveLength(size)
  })

  it('does not hold the process for ever when it never reads', async () => {
    const run = start({ stallMs: 300 })
    run.child.stdout.pause()
    run.child.stdin.end(`${JSON.stringify({ id: 1, method: 'big', params: { size: 2_500_000 } })}\n`)
    const [code] = (await once(run.child, 'exit')) as [number | null]
    // What did arrive is half a message, and nobody shall parse it.
    run.child.stdout.destroy()
    expect(code).toBe(0)
  })
})

describe('the end', () => {
  it('comes with code 0 soon after stdin closes', async () => {
    const run = start()
    await run.call('echo', { text: 'x' })
    const from = performance.now()
    run.child.stdin.end()
    expect(await run.exited).toMatchObject({ code: 0, signal: null })
    expect(performance.now() - from).toBeLessThan(2000)
  })

  it('answers what was asked before stdin closed, also without a last newline', async () => {
    const run = start()
    const requests = Array.from({ length: 500 }, (_, id) =>
      JSON.stringify({ id, method: 'echo', params: { text: 'é' } }),
    )
    run.child.stdin.end(requests.join('\n'))
    expect(await run.exited).toMatchObject({ code: 0 })
    expect(run.lines.map(({ id }) => id)).toEqual(requests.map((_, id) => id))
  })

  it('aborts what is still running a deadline after stdin closed', async () => {
    const run = start({ endDrainMs: 200 })
    await run.call('echo', { text: '' })
    void run.call('sleep', { ms: 60_000 })
    run.child.stdin.end()
    expect(await run.exited).toMatchObject({ code: 0 })
    expect(run.stderr()).toContain('ABORTED')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('lets a call finish after %s', async (signal) => {
    const run = start()
    const answer = run.call('sleep', { ms: 400 })
    await run.call('echo', { text: 'the call is in flight' })
    run.child.kill(signal)
    expect((await answer).result).toBe('slept')
    expect(await run.exited).toMatchObject({ code: 0, signal: null })
  })

  it('aborts it at the deadline, and at once on a second signal', async () => {
    const late = start({ drainMs: 200 })
    void late.call('sleep', { ms: 60_000 })
    await late.call('echo', { text: '' })
    late.child.kill('SIGTERM')
    expect(await late.exited).toMatchObject({ code: 0 })
    expect(late.stderr()).toContain('ABORTED')

    const twice = start({ drainMs: 60_000 })
    void twice.call('sleep', { ms: 60_000 })
    await twice.call('echo', { text: '' })
    twice.child.kill('SIGTERM')
    const again = setInterval(() => twice.child.kill('SIGTERM'), 50)
    expect(await twice.exited).toMatchObject({ code: 0 })
    clearInterval(again)
  })

  it('is quiet when the client stops reading', async () => {
    const run = start()
    await run.call('echo', { text: 'x' })
    run.child.stdout.destroy()
    void run.call('big', { size: 200_000 })
    const [code] = (await once(run.child, 'exit')) as [number | null]
    expect(code).toBe(0)
    expect(run.stderr()).toBe('')
  })
})

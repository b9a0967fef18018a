import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { serveStreams } from 'holdfast/node'
import { type Cell, cells } from 'holdfast/testing'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll, type RunningProgram, run } from '../clients/running-program.js'
import { oneTool } from '../protocol/http-support.js'
import { envelopeOf } from '../protocol/support.js'

// The built library in a process of its own, as a client meets it.

const root = fileURLToPath(new URL('../..', import.meta.url))
const realServer = 'test/fixtures/stdio/real-server.mjs'
const modernCodes = [-32020, -32021, -32022]

interface Answer {
  readonly jsonrpc: string
  readonly id?: number
  readonly result?: {
    readonly content?: readonly { readonly text: string }[]
    readonly isError?: boolean
    readonly tools?: readonly object[]
  }
  readonly error?: { readonly code: number; readonly message: string }
}

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/build.mjs', '--library'], { cwd: root, stdio: ['ignore', 2, 2] })
}, 180_000)

afterEach(endAll)

/** Opens as the revision asks, without waiting for anything. */
function sendOpening(program: RunningProgram, { revision, stateless }: Cell): void {
  if (stateless) return
  const clientInfo = { name: 'rows', version: '0' }
  program.send({
    id: 0,
    method: 'initialize',
    params: { protocolVersion: revision, capabilities: {}, clientInfo },
  })
  program.send({ method: 'notifications/initialized' })
}

function send(program: RunningProgram, cell: Cell, id: number, method: string, params: object = {}): void {
  program.send({ id, method, params: { ...params, ...envelopeOf(cell.revision) } })
}

function ask(
  program: RunningProgram,
  cell: Cell,
  id: number,
  name: string,
  args: object = {},
): Promise<Answer> {
  send(program, cell, id, 'tools/call', { name, arguments: args })
  return program.answer(id) as Promise<Answer>
}

async function timed(work: Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work
  return performance.now() - from
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe.each(cells({ transports: ['stdio'] }))('$name', (cell) => {
  it('answers what is sent at its very start, and soon (STD-14, STD-15)', async () => {
    const program = run([realServer])
    // Nothing of Node runs in the child yet.
    sendOpening(program, cell)
    send(program, cell, 1, 'tools/list')
    expect(await timed(program.answer(1))).toBeLessThan(10_000)
    expect(await program.answer(1)).toHaveProperty('result.tools')
  })

  it('a fresh process tells by server/discover which era it speaks (ERA-01)', async () => {
    const program = run([realServer], { REVISIONS: cell.revision })
    program.send({ id: 7, method: 'server/discover', params: envelopeOf('2026-07-28') })
    const { result, error } = (await program.answer(7)) as Answer
    if (cell.stateless) {
      expect(result).toMatchObject({ supportedVersions: [cell.revision] })
    } else {
      expect(error).toBeDefined()
      expect(modernCodes).not.toContain(error?.code)
    }
    sendOpening(program, cell)
    send(program, cell, 8, 'tools/list')
    expect(await program.answer(8)).toHaveProperty('result.tools')
  })

  it('writes one message of the protocol a line and nothing else, until it exits (STD-01, STD-02)', async () => {
    const program = run([realServer])
    sendOpening(program, cell)
    send(program, cell, 1, 'tools/list')
    await ask(program, cell, 2, 'print')
    await ask(program, cell, 3, 'log-in', { password: 'x' })
    send(program, cell, 4, 'tools/call', { name: 'nobody\n\u2028\u001b[31m' })
    send(program, cell, 5, 'doctor/none')
    program.child.stdin.write('garbage\n')
    const { result } = await ask(program, cell, 6, 'big')
    expect(result?.content?.[0]?.text).toBe('é'.repeat(2_500_000))
    program.child.stdin.end()
    const { code, stdout } = await program.ended
    expect(code).toBe(0)
    expect(stdout.at(-1)).toBe('\n')
    // A byte order mark, a carriage return, an escape of a terminal, and what is no UTF-8.
    expect(stdout).not.toMatch(/[\ufeff\r\u001b\ufffd]/)
    const answers = stdout
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line) as Answer)
    for (const { jsonrpc } of answers) expect(jsonrpc).toBe('2.0')
    const ids = answers.map(({ id }) => id).filter((id) => id !== undefined)
    expect(ids.sort()).toEqual(cell.stateless ? [1, 2, 3, 4, 5, 6] : [0, 1, 2, 3, 4, 5, 6])
    expect(answers.filter(({ id }) => id === undefined)).toMatchObject([{ error: { code: -32700 } }])
  })

  it('says on stderr what went wrong and no argument, and goes on (STD-05)', async () => {
    const program = run([realServer])
    sendOpening(program, cell)
    const secrets = ['hunter2-of-the-first', 'hunter2-of-the-second']
    expect((await ask(program, cell, 1, 'log-in', { password: secrets[0] })).result?.isError).toBe(true)
    expect((await ask(program, cell, 2, 'log-in', { passwort: secrets[1] })).result?.isError).toBe(true)
    const stderr = await program.said(/The directory is away/)
    for (const secret of secrets) expect(stderr).not.toContain(secret)
    expect((await ask(program, cell, 3, 'pid')).result?.content?.[0]?.text).toMatch(/^\d+$/)
  })

  it('exits with 0 within two seconds after stdin has ended (STD-03)', async () => {
    const program = run([realServer])
    sendOpening(program, cell)
    await ask(program, cell, 1, 'pid')
    program.child.stdin.end()
    expect(await timed(program.ended)).toBeLessThan(2000)
    expect(await program.ended).toMatchObject({ code: 0, signal: null })
  })

  it.each([
    ['alone', []],
    ['behind a launcher', ['--isolate-stdout']],
  ])(
    '%s, exits with 0 within five seconds after SIGTERM, and leaves no process behind (STD-04)',
    async (_how, flags) => {
      const program = run([realServer, ...flags])
      sendOpening(program, cell)
      const { result } = await ask(program, cell, 1, 'pid')
      const pid = Number(result?.content?.[0]?.text)
      expect(isAlive(pid)).toBe(true)
      program.child.kill('SIGTERM')
      expect(await timed(program.ended)).toBeLessThan(5000)
      expect(await program.ended).toMatchObject({ code: 0, signal: null })
      expect(isAlive(pid)).toBe(false)
    },
  )

  it('exits when its client is gone with a call in flight (STD-18)', async () => {
    const program = run([realServer])
    sendOpening(program, cell)
    send(program, cell, 1, 'tools/call', { name: 'stuck' })
    await program.said(/STUCK/)
    // A client that dies closes every pipe and sends no signal.
    for (const pipe of [program.child.stdin, program.child.stdout, program.child.stderr]) pipe.destroy()
    const [, signal] = await once(program.child, 'exit')
    expect(signal).toBeNull()
  })

  it('gives an answer of megabytes whole to a client that reads it bit by bit (STD-13)', async () => {
    const program = run([realServer])
    const { stdout } = program.child
    sendOpening(program, cell)
    await ask(program, cell, 1, 'pid')
    send(program, cell, 2, 'tools/call', { name: 'big' })
    // A pipe holds 64 KiB; the next piece is taken a turn of the loop after the last.
    stdout.removeAllListeners('data')
    let read = ''
    for await (const piece of stdout) {
      read += String(piece)
      if (String(piece).endsWith('\n')) break
      await nextTurn()
    }
    const { id, result } = JSON.parse(read) as Answer
    expect([id, result?.content?.[0]?.text === 'é'.repeat(2_500_000)]).toEqual([2, true])
  })

  it('asks for no token, and says what its environment lacks in a tool error or on stderr (STD-16)', async () => {
    const program = run(['test/fixtures/stdio/needs-key.mjs'])
    sendOpening(program, cell)
    const { result } = await ask(program, cell, 1, 'report')
    expect([result?.isError, result?.content?.[0]?.text]).toEqual([
      true,
      'The environment variable SERVICE_KEY is not set.',
    ])
    const unable = run(['test/fixtures/stdio/needs-key.mjs', '--at-start'])
    sendOpening(unable, cell)
    const { code, stdout, stderr } = await unable.ended
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('The environment variable SERVICE_KEY is not set.')
  })

  it('reads messages however they are cut, two at once, after CRLF and blank lines (STD-06)', async () => {
    const input = new PassThrough()
    const output = new PassThrough()
    const served = serveStreams(oneTool(), { input, output })
    const lines: string[] = []
    output.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n').filter(Boolean)))
    const opening = {
      protocolVersion: cell.revision,
      capabilities: {},
      clientInfo: { name: 'Zürich', version: '0' },
    }
    if (!cell.stateless) {
      input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: opening })}\n`)
    }
    const call = (id: number): Buffer => {
      const params = { name: 'one', note: 'é😀', ...envelopeOf(cell.revision) }
      return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }))
    }
    const first = call(1)
    const inEmoji = first.indexOf('😀') + 2
    for (const piece of [first.subarray(0, 9), first.subarray(9, inEmoji), first.subarray(inEmoji)]) {
      input.write(piece)
    }
    input.write('\n')
    input.write(`${call(2)}\n${call(3)}\n`)
    input.write(`\r\n\n \n${call(4)}\r\n`)
    await expect.poll(() => lines.length).toBe(cell.stateless ? 4 : 5)
    const answers = lines.map((line) => JSON.parse(line) as Answer).filter(({ id }) => id !== 0)
    expect(answers.map(({ id, result }) => [id, result?.content?.[0]?.text])).toEqual([
      [1, '1'],
      [2, '1'],
      [3, '1'],
      [4, '1'],
    ])
    input.end()
    await served.closed
  })
})

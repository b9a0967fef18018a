import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { program } from './desk-cells.js'
import { endAll, type RunningProgram, run } from './running-program.js'
import { endlessSql, type SampleData, sampleData } from './sample-data.js'
import { ownStateHome } from './state-home.js'

const bash = promisify(execFile)
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  scripts: Record<string, string>
}

let removeState: () => Promise<void>
let data: SampleData
beforeAll(async () => {
  removeState = await ownStateHome()
  data = await sampleData()
})
afterEach(endAll)
afterAll(async () => {
  await data.remove()
  await removeState()
})

/** What `npm run <script> -- <args>` runs, without npm around it. */
function script(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningProgram {
  const [command, ...given] = (manifest.scripts[name] ?? '').split(' ')
  expect(command).toBe('node')
  return run([...given, ...args, '--data', data.directory], env)
}

/** The printed call, as one would select and paste it. */
function curlCall(said: string): string {
  const lines = said.split('\n')
  const from = lines.findIndex((line) => line.startsWith('curl '))
  const to = lines.findIndex((line, index) => index >= from && !line.endsWith('\\'))
  return lines.slice(from, to + 1).join('\n')
}

async function paste(said: string): Promise<unknown> {
  const { stdout, stderr } = await bash('bash', ['-c', curlCall(said)])
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  listener.close()
  await once(listener, 'close')
  return port
}

const query = (id: number, sql: string): object => ({
  id,
  method: 'tools/call',
  params: { name: 'query-dataset', arguments: { sql } },
})

/** About half a second of work for one connection. */
const slowSql =
  'SELECT sum(a.n * b.n % 7 + c.n) AS total FROM numbers a, numbers b, numbers c WHERE c.n <= 40'

async function initialize(program: RunningProgram): Promise<void> {
  const clientInfo = { name: 'newcomer', version: '1' }
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  program.send({ id: 0, method: 'initialize', params })
  await program.answer(0)
  program.send({ method: 'notifications/initialized' })
}

describe('npm start', () => {
  it('prints where it listens, how to connect, and a call that works when pasted', async () => {
    const port = await freePort()
    const desk = script('start', [], { PORT: String(port) })
    const said = await desk.said(/Ctrl\+C/)
    expect(said).toContain(`ready at http://127.0.0.1:${port}/mcp`)
    for (const config of said.matchAll(/^ *(\{"mcpServers".*\})$/gm)) {
      expect(JSON.parse(config[1] ?? '')).toMatchObject({ mcpServers: { 'data-desk': expect.anything() } })
    }
    expect(await paste(said)).toMatchObject({ result: { structuredContent: { rowCount: 3 } } })
    expect(said).toContain('notes.txt')
    desk.child.kill('SIGTERM')
    expect(await desk.ended).toMatchObject({ code: 0, signal: null, stdout: '' })
  })

  it('listens on port 3000 unless told otherwise, and --port wins over PORT', async () => {
    expect(manifest.scripts['start']).toContain('--default-port 3000')
    const port = await freePort()
    const desk = script('start', ['--port', String(port)], { PORT: '1' })
    expect(await desk.said(/Ctrl\+C/)).toContain(`http://127.0.0.1:${port}/mcp`)
  })

  it('says in one sentence that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stdout, stderr } = await script('start', [], { PORT: String(port) }).ended
    other.close()
    expect([code, stdout]).toEqual([1, ''])
    const last = stderr.trimEnd().split('\n').at(-1)
    expect(last).toMatch(new RegExp(`^Port ${port} [^\\n]*taken[^\\n]*\\.$`))
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  it('lets a call finish after SIGTERM, and takes no new one', async () => {
    const desk = run([program, '--port', '0', '--data', data.directory])
    const said = await desk.said(/Ctrl\+C/)
    const call = curlCall(said)
      .replace('curl -sS', 'curl -sSv')
      .replace(/SELECT [^"]*/, slowSql)
    const pasted = bash('bash', ['-c', call])
    // curl says so once the request is on its way; what is asked after that, and answered, came later.
    await heard(pasted.child.stderr, /^> POST /m)
    await paste(said)
    desk.child.kill('SIGTERM')
    expect(JSON.parse((await pasted).stdout)).toMatchObject({
      result: { structuredContent: { rowCount: 1 } },
    })
    expect(await desk.ended).toMatchObject({ code: 0, signal: null })
    await expect(paste(said)).rejects.toThrow(/connect/i)
  })
})

/** Reads a stream until something was said. */
async function heard(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<void> {
  let text = ''
  while (stream !== null && !pattern.test(text)) text += String((await once(stream, 'data'))[0])
}

describe('npm run data-desk -- --stdio', () => {
  it('writes nothing but JSON-RPC to stdout, whatever is asked', async () => {
    const desk = script('data-desk', ['--stdio'], { PORT: '3000' })
    await initialize(desk)
    desk.child.stdin.write('this is no JSON\n')
    desk.send({ id: 1, method: 'tools/list' })
    desk.send(query(2, 'SELECT * FROM cities'))
    desk.send(query(3, 'DROP TABLE cities'))
    desk.send({ id: 4, method: 'no/such/method' })
    await desk.answer(3)
    const from = performance.now()
    desk.child.stdin.end()
    const { code, stdout, stderr } = await desk.ended
    expect(performance.now() - from).toBeLessThan(2000)
    expect(code).toBe(0)
    expect(stdout.endsWith('\n')).toBe(true)
    const messages = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { jsonrpc: string; id?: number })
    expect(messages.every(({ jsonrpc }) => jsonrpc === '2.0')).toBe(true)
    const ids = messages.flatMap(({ id }) => (typeof id === 'number' ? [id] : [])).sort()
    expect(ids).toEqual([0, 1, 2, 3, 4])
    expect(stderr).toContain('datasets ready')
  })

  it('ends promptly when its client leaves during an endless query, and answers that too', async () => {
    const desk = run([program, '--stdio', '--data', data.directory])
    await initialize(desk)
    desk.send(query(1, endlessSql))
    desk.send({ id: 2, method: 'ping' })
    await desk.answer(2)
    const from = performance.now()
    desk.child.stdin.end()
    const { code, stdout } = await desk.ended
    expect(code).toBe(0)
    expect(performance.now() - from).toBeLessThan(3000)
    // A client may close its end and read on.
    expect(stdout).toMatch(/"id":1,.*shutting_down/)
  })

  it('lets a query finish after SIGTERM', async () => {
    const desk = run([program, '--stdio', '--data', data.directory])
    await initialize(desk)
    desk.send(query(1, slowSql))
    desk.send({ id: 2, method: 'ping' })
    await desk.answer(2)
    desk.child.kill('SIGTERM')
    expect(await desk.answer(1)).toMatchObject({ result: { structuredContent: { rowCount: 1 } } })
    expect(await desk.ended).toMatchObject({ code: 0, signal: null })
  })
})

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../fixtures/blocking/server.mjs', import.meta.url))
const running = new Set<ChildProcessWithoutNullStreams>()

/** Ends every program that was started. */
export async function stopPrograms(): Promise<void> {
  for (const child of running) {
    const gone = once(child, 'exit')
    if (child.exitCode === null && child.kill('SIGKILL')) await gone
  }
  running.clear()
}

/** What the log says of a block. */
export interface Report {
  readonly level: string
  readonly message: string
  readonly tool?: string
  readonly resource?: string
  readonly blockedMs: number
  readonly lookedAfterMs?: number
  readonly stack?: readonly string[]
}

/** The program, and what it says. */
export interface Program {
  readonly child: ChildProcessWithoutNullStreams
  request(method: string, params: object): Promise<{ readonly result?: Readonly<Record<string, unknown>> }>
  call(name: string, args?: object): ReturnType<Program['request']>
  counters(): Promise<Readonly<Record<string, number>>>
  readonly reports: readonly Report[]
  /** Lines of stdout that are no JSON. */
  readonly strays: readonly string[]
  stderr(): string
}

/** Starts it over stdio. */
export function start(env: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): Program {
  const { PORT: _, NODE_ENV: __, NODE_OPTIONS: ___, ...inherited } = process.env
  const child = spawn(process.execPath, [...flags, program, '--stdio'], { env: { ...inherited, ...env } })
  running.add(child)
  const reports: Report[] = []
  const strays: string[] = []
  let said = ''
  const waiting = new Map<number, (message: never) => void>()
  createInterface(child.stderr).on('line', (text) => {
    said += `${text}\n`
    if (/event loop/.test(text)) reports.push(JSON.parse(text) as Report)
  })
  createInterface(child.stdout).on('line', (text) => {
    if (!text.startsWith('{')) {
      strays.push(text)
      return
    }
    const message = JSON.parse(text) as { readonly id: number }
    waiting.get(message.id)?.(message as never)
  })
  let lastId = 0
  const request: Program['request'] = (method, params) => {
    lastId += 1
    const id = lastId
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } })}\n`)
    return new Promise((resolve) => waiting.set(id, resolve))
  }
  const call: Program['call'] = (name, args = {}) => request('tools/call', { name, arguments: args })
  const counters: Program['counters'] = async () =>
    (await call('stats')).result?.['structuredContent'] as Readonly<Record<string, number>>
  return { child, request, call, counters, reports, strays, stderr: () => said }
}

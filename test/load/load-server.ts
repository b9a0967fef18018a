import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { ServerStats } from 'holdfast'

const root = fileURLToPath(new URL('../..', import.meta.url))
const programs = fileURLToPath(new URL('../fixtures/load/', import.meta.url))

export const revision = '2025-11-25'

/** The load server in a process of its own. */
export interface LoadServer {
  readonly port: number
  /** Bytes of heap after collection. */
  heap(): Promise<number>
  stats(): Promise<ServerStats>
  /** What `limited-server.mjs` saw of its calls since it was last asked. */
  measured(): Promise<Measured>
  /** What `spill-server.mjs` or `desk-server.mjs` measured while `work` ran. */
  watch(work: () => Promise<void>): Promise<Watched>
  /** Announces a change of a resource. */
  change(uri: string): Promise<void>
  stop(): Promise<void>
}

export interface Measured {
  /** Milliseconds from the arrival of a call to its refusal. */
  readonly refusals: readonly number[]
  /** Calls that ran more than once. */
  readonly twice: number
  readonly running: number
  /** Most that ever ran at once. */
  readonly most: number
}

/** Of a process: bytes at most, and milliseconds that a turn of its event loop was late, at the 99th percentile. */
export interface Watched {
  /** Heap and what hangs on it. */
  readonly held: number
  readonly rss: number
  readonly p99Ms: number
}

interface Said {
  readonly watched?: Watched
  readonly port?: number
  readonly heap?: number
  readonly stats?: ServerStats
  readonly measured?: Measured
}

/** @param examples whether the program stands on the built examples too */
export async function startLoadServer(program = 'server.mjs', examples = false): Promise<LoadServer> {
  const built = examples ? [] : ['--library']
  execFileSync(process.execPath, ['scripts/build.mjs', ...built], { cwd: root, stdio: ['ignore', 2, 2] })
  const { PORT: _, ...env } = process.env
  const child = fork(`${programs}${program}`, [], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const { port } = await said(child)
  if (port === undefined) throw new Error('The load server did not say its port.')
  const ask = async (
    message: 'heap' | 'stats' | 'measured' | 'watch' | 'watched' | { changed: string },
  ): Promise<Said> => {
    child.send(message)
    return said(child)
  }
  return {
    port,
    heap: async () => (await ask('heap')).heap ?? Number.NaN,
    async stats() {
      const { stats } = await ask('stats')
      if (stats === undefined) throw new Error('The load server did not give its statistics.')
      return stats
    },
    async measured() {
      const { measured } = await ask('measured')
      if (measured === undefined) throw new Error('The load server did not say what it measured.')
      return measured
    },
    async watch(work) {
      await ask('watch')
      await work()
      const { watched } = await ask('watched')
      if (watched === undefined) throw new Error('The load server did not say what it saw.')
      return watched
    },
    async change(uri) {
      await ask({ changed: uri })
    },
    async stop() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

async function said(child: ChildProcess): Promise<Said> {
  const [message] = (await once(child, 'message')) as [Said]
  return message
}

interface Sent {
  readonly method?: 'POST' | 'GET'
  readonly session?: string
  readonly version?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  readonly agent?: Agent | false
}

/** Sends one request and gives its response, whose body nobody has read yet. */
export function open(port: number, sent: Sent): Promise<IncomingMessage> {
  const { method = 'POST', session, version = revision, headers, body, agent = false } = sent
  return new Promise((resolve, reject) => {
    const req = httpRequest(
      {
        host: '127.0.0.1',
        port,
        path: '/mcp',
        method,
        agent,
        headers: {
          accept: 'application/json, text/event-stream',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(session !== undefined && { 'mcp-session-id': session, 'mcp-protocol-version': version }),
          ...headers,
        },
      },
      resolve,
    )
    req.on('error', reject)
    req.end(body === undefined ? undefined : JSON.stringify({ jsonrpc: '2.0', ...body }))
  })
}

/** The same, read to its end. */
export async function send(
  port: number,
  sent: Sent,
): Promise<{ status: number; session: string; text: string }> {
  const response = await open(port, sent)
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode ?? 0, session: String(response.headers['mcp-session-id']), text }
}

/** Opens a session; its id. */
export async function openSession(port: number, agent: Agent | false = false): Promise<string> {
  const params = {
    protocolVersion: revision,
    capabilities: { elicitation: {} },
    clientInfo: { name: 'load', version: '1.0.0' },
  }
  const { session } = await send(port, { body: { id: 1, method: 'initialize', params }, agent })
  await send(port, { session, body: { method: 'notifications/initialized' }, agent })
  return session
}

/** Runs `work` for each number below `count`, so many at a time. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let index = next++; index < count; index = next++) await work(index)
    }),
  )
}

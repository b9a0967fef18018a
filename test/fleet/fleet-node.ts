import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { ServerHealth } from 'holdfast'
import { type ConnectOptions, connect, type TestClient } from 'holdfast/testing'
import { onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/fleet/${name}`, import.meta.url))

export interface FleetNode {
  readonly port: number
  /** How many of its waiting calls have ended. */
  readonly ended: () => number
  health(): Promise<ServerHealth>
  /** Announces a change of a resource. */
  change(uri: string): void
  readonly pid: number | undefined
  /** Ends it as a crash would. */
  kill(): Promise<void>
  /** Holds the whole process, as a busy machine would, until `goOn`. */
  hold(): void
  goOn(): void
  client(options: ConnectOptions): Promise<TestClient>
}

interface Said {
  readonly port?: number
  readonly ended?: string
  readonly health?: ServerHealth
}

/** Builds what the nodes run, unless that is there: a build under way would tear the files of nodes that start. */
export function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: ['ignore', 2, 2] })
}

/** `script`: the program of the node, in `test/fixtures/fleet`. */
export async function startNode(redisUrl: string, prefix: string, script = 'node.mjs'): Promise<FleetNode> {
  const { PORT: _, ...inherited } = process.env
  const env = {
    ...inherited,
    REDIS_URL: redisUrl,
    PREFIX: prefix,
    KEYS: 'one secret for all nodes of the fleet',
  }
  const child = fork(fixture(script), [], { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  onTestFinished(() => kill(child))
  let ended = 0
  child.on('message', (message: Said) => {
    if (message.ended !== undefined) ended += 1
  })
  const { port = 0 } = await said(child, ({ port }) => port !== undefined)
  return {
    port,
    ended: () => ended,
    async health() {
      child.send('health')
      const { health } = await said(child, ({ health }) => health !== undefined)
      if (health === undefined) throw new Error('The node did not say how it does.')
      return health
    },
    change: (uri) => void child.send({ changed: uri }),
    pid: child.pid,
    kill: () => kill(child),
    hold: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    async client(options) {
      const client = await connect(through(port), { transport: 'http', ...options })
      onTestFinished(() => client.close())
      return client
    },
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function said(child: ChildProcess, wanted: (message: Said) => boolean): Promise<Said> {
  for (;;) {
    const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(10_000) })) as [Said]
    if (wanted(message)) return message
  }
}

/** What the test kit takes for a server: it passes each request on to the process, byte by byte. */
function through(port: number): Parameters<typeof connect>[0] {
  return {
    connect() {
      throw new Error('A process has HTTP only.')
    },
    handler(req: IncomingMessage, res: ServerResponse) {
      const { method, url: path, headers } = req
      const passed = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
        res.writeHead(answer.statusCode ?? 500, answer.headers)
        res.flushHeaders()
        answer.pipe(res)
        answer.on('error', () => res.destroy())
      })
      passed.on('error', () => res.destroy())
      res.on('close', () => passed.destroy())
      req.pipe(passed)
    },
  }
}

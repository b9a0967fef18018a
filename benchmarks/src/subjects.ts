import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Who is measured: the raw loop, our server with plain JSON Schemas, the same with zod, and with all that a call can pass. */
export type SubjectName = 'raw' | 'plain' | 'zod' | 'full'

export interface RunningServer {
  readonly pid: number
  readonly port: number
  readonly child: ChildProcess
  /** What it takes as a bearer token, if it asks for one. */
  readonly token: string | undefined
  stop(): Promise<void>
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0

/** What runs before a command so that servers and load do not share a core, where the machine allows it. */
export function onCore(core: 0 | 1, command: readonly string[]): [string, ...string[]] {
  const [program = process.execPath, ...rest] = command
  return canPin ? ['taskset', '-c', String(core), program, ...rest] : [program, ...rest]
}

/** The command of a subject, with Node's own options in front of the script. */
export function subjectCommand(
  name: SubjectName,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): string[] {
  const file = name === 'raw' ? 'raw-loop.js' : 'target.js'
  return [
    process.execPath,
    ...nodeArgs,
    script(file),
    ...args,
    ...(name === 'zod' || name === 'full' ? [`--${name}`] : []),
  ]
}

/**
 * Environment of every subject: the caller's without a port, and without extra CA certificates, which Node 20 reads
 * at every start: they were seen to add 60 ms to each cold start and so to hide two thirds of every difference.
 */
export function subjectEnv(): NodeJS.ProcessEnv {
  const { PORT: _port, NODE_EXTRA_CA_CERTS: _certificates, ...env } = process.env
  return env
}

/** A helper script of this folder as a command, pinned to the load's core. */
export function loadCommand(file: string, args: readonly string[]): [string, ...string[]] {
  return onCore(1, [process.execPath, script(file), ...args])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('The system gave no TCP port.')
  return address.port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Asks a child to end and waits; one that has not ended after five seconds is killed. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
  await exited
  clearTimeout(timer)
}

/**
 * Starts a subject over HTTP and waits until its port accepts connections.
 *
 * @throws Error with the subject's stderr when it ends or stays silent for 20 seconds
 */
export async function startServer(
  name: SubjectName,
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Promise<RunningServer> {
  const port = await freePort()
  const [program, ...rest] = onCore(0, subjectCommand(name, ['--port', String(port), ...args], nodeArgs))
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: subjectEnv() })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-4096)
  })
  const deadline = performance.now() + 20_000
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stopChild(child)
      throw new Error(
        `The subject ${name} did not start to listen on port ${port}. Its stderr:\n${complaint}`,
      )
    }
    await delay(20)
  }
  if (child.pid === undefined) throw new Error(`The subject ${name} has no process id.`)
  const token = /^token: (\S+)$/m.exec(complaint)?.[1]
  return { pid: child.pid, port, child, token, stop: () => stopChild(child) }
}

/** Runs a command to its end and parses the last line it printed as JSON. */
export async function runForJson<T>([program, ...args]: [string, ...string[]]): Promise<T> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: subjectEnv() })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  const last = output.trimEnd().split('\n').at(-1)
  if (code !== 0 || last === undefined || last === '') {
    throw new Error(
      `${[program, ...args].join(' ')} ended with code ${code} and printed: ${output.slice(-500)}`,
    )
  }
  return JSON.parse(last)
}

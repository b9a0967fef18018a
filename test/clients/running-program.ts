import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A child process with all that it says. */
export interface RunningProgram {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** What it said so far on stderr, once that matches; rejects when it ends before. */
  said(pattern: RegExp): Promise<string>
  /** Sends one JSON-RPC message over stdin. */
  send(message: object): void
  /** The answer with this id, once it is on stdout. */
  answer(id: number): Promise<unknown>
}

const running = new Set<ChildProcessWithoutNullStreams>()

/** Starts node in the package's folder; PORT is what `env` says and never inherited. */
export function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): RunningProgram {
  // What the environment says of ports and databases is not meant for these.
  const { PORT: _, DATABASE_URL: __, DATABASE_URL_READERS: ___, ...inherited } = process.env
  const child = spawn(process.execPath, args, { cwd: root, env: { ...inherited, ...env } })
  running.add(child)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    running.delete(child)
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, stdout, stderr }
  })

  async function seen<Found>(stream: NodeJS.ReadableStream, find: () => Found | undefined): Promise<Found> {
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      const over = await Promise.race([once(stream, 'data').then(() => undefined), ended])
      if (over !== undefined && find() === undefined)
        throw new Error(`It ended with ${over.code}, having said: ${stderr}`)
    }
  }

  return {
    child,
    ended,
    said: (pattern) => seen(child.stderr, () => (pattern.test(stderr) ? stderr : undefined)),
    send: (message) => void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    answer: (id) =>
      seen(child.stdout, () =>
        stdout
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line) as { id?: unknown })
          .find((message) => message.id === id),
      ),
  }
}

/** Ends what a failed test left behind. */
export async function endAll(): Promise<void> {
  const left = [...running]
  await Promise.all(
    left.map(async (child) => {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    }),
  )
}

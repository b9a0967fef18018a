import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { onTestFinished } from 'vitest'

/** A Redis of a test's own, which it may stop, hang and empty. */
export interface OwnRedis {
  readonly port: number
  readonly url: string
  start(): Promise<void>
  /** As by a power cut: nothing it kept is there when it is started again. */
  kill(): Promise<void>
  /** Hangs it: connections stay open and nothing is answered. */
  hang(): void
  goOn(): void
}

export async function ownRedis(): Promise<OwnRedis> {
  const port = await freePort()
  let child: ChildProcess | undefined
  const redis: OwnRedis = {
    port,
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
      const started = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
      child = started
      let said = ''
      for await (const chunk of started.stdout) {
        said += String(chunk)
        if (said.includes('Ready to accept connections')) {
          started.stdout.resume()
          return
        }
      }
      throw new Error(`redis-server did not start: ${said}`)
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'close')
      child.kill('SIGKILL')
      await ended
    },
    hang: () => void child?.kill('SIGSTOP'),
    goOn: () => void child?.kill('SIGCONT'),
  }
  onTestFinished(() => redis.kill())
  await redis.start()
  return redis
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('There is no free port.')
  return address.port
}

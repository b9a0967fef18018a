import type { Principal } from '../contracts/principal.js'
import type { Connectable } from '../engine/connection.js'
import type { StdioEnd, StdioStats } from '../transports/stdio/stdio-transport.js'
import { openStdioTransport } from '../transports/stdio/stdio-transport.js'
import { isolatedStreams, isolateFlag, launchIsolated } from './isolate-stdout.js'
import { guardStdout } from './stdout-guard.js'

export interface ServeStdioOptions {
  /** Where the guard's and the transport's own remarks go. Default: one line on stderr. */
  warn?: (message: string) => void
  /** Milliseconds calls in flight have after SIGTERM or SIGINT. Default 5000. */
  drainMs?: number
  /** Milliseconds calls in flight have after the client closed stdin. Default 1000. */
  endDrainMs?: number
  /** Longest incoming message in bytes. Default 10 MiB. */
  maxMessageBytes?: number
  /** Outgoing text that may wait for a slow reader, in characters. Default 64 Mi. */
  maxQueued?: number
  /** Milliseconds without progress after which an ending process stops waiting for its reader. Default 5000. */
  stallMs?: number
  /** Start behind a launcher with stdout isolated. Default: whether `--isolate-stdout` is among the arguments. */
  isolate?: boolean
  /** Called with the transport's counters as soon as it runs. */
  onOpen?: (stats: () => StdioStats) => void
  /** Work to finish before the process ends, such as closing the server; it is given `drainMs` at most. */
  onEnd?: (end: StdioEnd) => Promise<void> | void
  /** Says who is at the other end, before anything of it is read; asked in the process that serves. */
  identify?: () => Promise<Principal>
}

/** Signals to one process come twice, from the terminal and from the launcher; nobody presses a key twice that fast. */
const sameSignalMs = 250

/**
 * Serves one client over this process's stdin and stdout and ends the process: code 0 after stdin ended, the client
 * went away, or SIGTERM or SIGINT arrived; 1 when stdout failed or its queue overflowed. A second signal ends it at
 * once. The promise never resolves, because the process exits first; it rejects when the launcher cannot start.
 */
export async function serveStdio(server: Connectable, options: ServeStdioOptions = {}): Promise<void> {
  const warn =
    options.warn ?? ((message: string): void => void process.stderr.write(`holdfast: ${message}\n`))
  const { drainMs = 5000 } = options
  const isolated = isolatedStreams()
  if (isolated === undefined && (options.isolate ?? process.argv.includes(isolateFlag))) {
    process.exit(await launchIsolated())
  }
  const principal = await options.identify?.()
  const identified: Connectable =
    principal === undefined
      ? server
      : { connect: (connecting) => server.connect({ ...connecting, principal }) }
  const streams = isolated ?? { input: process.stdin, output: guardStdout({ warn }) }
  const { maxMessageBytes, maxQueued, endDrainMs, stallMs } = options
  const transport = openStdioTransport(identified, {
    input: streams.input,
    output: streams.output,
    ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
    ...(endDrainMs === undefined ? {} : { endDrainMs }),
    ...(stallMs === undefined ? {} : { stallMs }),
  })
  options.onOpen?.(transport.stats)

  // The engine's timers never hold a process, and after the end of stdin nothing else would: a call that hangs
  // must still be answered when its time is up.
  const alive = setInterval(() => undefined, 60_000)
  let firstSignalAt: number | undefined
  const onSignal = (): void => {
    const now = performance.now()
    if (firstSignalAt === undefined) {
      firstSignalAt = now
      void transport.stop(drainMs)
    } else if (isolated === undefined || now - firstSignalAt > sameSignalMs) {
      process.exit(0)
    }
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  void isolated?.parentGone.then(() => transport.stop(endDrainMs ?? 1000))

  const end = await transport.closed
  if (end.reason === 'output full') {
    warn(
      `the client left more than ${transport.stats().maxQueued} characters of answers unread; the connection was cut.`,
    )
  }
  if (end.error !== undefined) warn(`stdout failed: ${end.error.message}; the connection is over.`)
  if (options.onEnd !== undefined) {
    const late = new Promise<void>((resolve) => setTimeout(resolve, drainMs).unref())
    await Promise.race([options.onEnd(end), late])
  }
  clearInterval(alive)
  process.exit(end.error !== undefined || end.reason === 'output full' ? 1 : 0)
}

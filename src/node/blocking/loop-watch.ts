import { AsyncLocalStorage } from 'node:async_hooks'
import { url as debuggerUrl } from 'node:inspector'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { CallWatcher, CallWatcherHost } from '../../engine/call-watch.js'
import {
  beatPlace,
  debuggedPlace,
  hookKey,
  leastPauseMs,
  places,
  type RunningCall,
  type Sighting,
  type WatchdogData,
} from './sighting.js'

/** So often within the limit the thread says that it goes on; the limit is kept to within one of these. */
const beatsPerLimit = 8
const leastBeatMs = 5
const mostBeatMs = 100
const watchdogMemoryMb = 32
/** Of a block's time; a process that used less of it was hardly running. */
const idleShare = 0.2

/** One for all servers of the process, because code asks the process where it is. */
const calls = new AsyncLocalStorage<string>()
/** Servers of this process that are watched: the last that ends takes the function away. */
let watched = 0

/**
 * Watches this thread's event loop. A thread of its own sees when it no longer goes on, has V8 stop it for a moment, and reads the stack
 * and the name of the call; when the loop is free again one warning says both and how long it took. One look and one report a second
 * at most. Undefined where a debugger is or may be at work: its pauses are no blocks.
 */
export async function startLoopWatch(host: CallWatcherHost): Promise<CallWatcher | undefined> {
  if (isInspected()) return undefined
  const { afterMs, logger, counters } = host
  const beatMs = Math.max(leastBeatMs, Math.min(mostBeatMs, Math.floor(afterMs / beatsPerLimit)))
  const beats = new Int32Array(new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT))
  const { port1, port2 } = new MessageChannel()
  const workerData: WatchdogData = { beats, afterMs, beatMs, port: port2 }
  const watchdog = new Worker(new URL('./watchdog.js', import.meta.url), {
    workerData,
    transferList: [port2],
    execArgv: [],
    stdout: true,
    resourceLimits: { maxOldGenerationSizeMb: watchdogMemoryMb },
  })
  watchdog.unref()
  port1.unref()
  watchdog.on('error', (error) =>
    logger.warn('Nobody watches for what blocks the event loop any more.', { error }),
  )
  const hook = Symbol.for(hookKey)
  watched += 1
  Reflect.set(globalThis, hook, () => calls.getStore())

  let lastAt = performance.now()
  let usedAt = process.cpuUsage()
  let lastReportAt = Number.NEGATIVE_INFINITY
  let unreported = 0
  /** The call that held this thread longest in one piece since the last beat, as long as it began in it. */
  let slowest: { readonly call: RunningCall; readonly ms: number } | undefined
  const timer = setInterval(() => {
    const now = performance.now()
    // It was due a beat after the last one; by how much it is late is the least that the block lasted.
    const blockedMs = now - lastAt - beatMs
    const debugged = Atomics.load(beats, debuggedPlace) === 1
    Atomics.store(beats, debuggedPlace, debuggerUrl() === undefined ? 0 : 1)
    Atomics.add(beats, beatPlace, 1)
    lastAt = now
    const used = process.cpuUsage(usedAt)
    usedAt = process.cpuUsage()
    const sighting = newest()
    const call = sighting?.call ?? slowest?.call
    slowest = undefined
    if (blockedMs < afterMs || debugged) return
    counters.blockedLoops += 1
    if (now - lastReportAt < leastPauseMs) {
      unreported += 1
      return
    }
    lastReportAt = now
    report(blockedMs, call, sighting, (used.user + used.system) / 1000 < blockedMs * idleShare)
  }, beatMs)
  timer.unref()

  function newest(): Sighting | undefined {
    let seen: Sighting | undefined
    for (let next = receiveMessageOnPort(port1); next !== undefined; next = receiveMessageOnPort(port1)) {
      seen = next.message as Sighting
    }
    return seen
  }

  function report(
    blockedMs: number,
    call: RunningCall | undefined,
    sighting: Sighting | undefined,
    idle: boolean,
  ): void {
    const by =
      call !== undefined
        ? `the ${call.kind} "${call.name}"`
        : idle
          ? 'a wait in native code, or by a machine too busy to run it'
          : sighting === undefined
            ? 'something that could not be looked at'
            : 'something outside of any call'
    logger.warn(
      `The event loop was blocked by ${by}, and no other call could go on; do such work in a worker, or in pieces.`,
      {
        ...(call !== undefined && { [call.kind]: call.name }),
        blockedMs: Math.round(blockedMs),
        ...(sighting !== undefined && {
          lookedAfterMs: Math.round(sighting.afterMs),
          stack: sighting.stack,
        }),
        ...(unreported > 0 && { unreportedBefore: unreported }),
      },
    )
    unreported = 0
  }

  return {
    enter(kind, name, work) {
      const from = performance.now()
      try {
        return calls.run(`${kind} ${name}`, work)
      } finally {
        // Native code cannot be stopped and looked at, but what a call did before its first wait can be timed.
        const ms = performance.now() - from
        if (ms >= afterMs && ms > (slowest?.ms ?? 0)) slowest = { call: { kind, name }, ms }
      }
    },
    async stop() {
      clearInterval(timer)
      port1.close()
      watched -= 1
      if (watched === 0) Reflect.deleteProperty(globalThis, hook)
      await watchdog.terminate()
    },
  }
}

/** Whether somebody debugs this process, or started it to be debugged. */
function isInspected(): boolean {
  const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)]
  return debuggerUrl() !== undefined || flags.some((flag) => /^--inspect(?:-|=|$)/.test(flag))
}

import { writeSync } from 'node:fs'
import { type Debugger, Session } from 'node:inspector'
import { workerData } from 'node:worker_threads'
import {
  beatPlace,
  debuggedPlace,
  hookKey,
  leastPauseMs,
  type RunningCall,
  type Sighting,
  type WatchdogData,
} from './sighting.js'

// A thread of its own: it sees the beats of the other stop, and asks V8 what that thread is doing.

/** A block that lasts so many times the limit may never end, and then nobody else would tell of it. */
const hopeless = 10
/** How long V8 may take to stop the thread; in native code it does not. */
const patienceMs = 2000
const mostFrames = 8

const { beats, afterMs, beatMs, port } = workerData as WatchdogData
let lastBeat = -1
let beatAt = performance.now()
let looked = false
let told = false
let lastLookAt = Number.NEGATIVE_INFINITY
let sighting: Sighting | undefined

setInterval(() => {
  const now = performance.now()
  const beat = Atomics.load(beats, beatPlace)
  if (beat !== lastBeat) {
    lastBeat = beat
    beatAt = now
    looked = false
    told = false
    sighting = undefined
    return
  }
  const staleMs = now - beatAt
  if (Atomics.load(beats, debuggedPlace) === 1) return
  if (staleMs >= afterMs && !looked && now - lastLookAt >= leastPauseMs) {
    looked = true
    lastLookAt = now
    look(staleMs)
  }
  if (staleMs >= hopeless * afterMs && !told) {
    told = true
    tellHopeless(staleMs)
  }
}, beatMs)

/** Stops the thread, reads where it is and in which call, and lets it go on: some milliseconds in all. */
function look(staleMs: number): void {
  const session = new Session()
  const urls = new Map<string, string>()
  let over = false
  const leave = (): void => {
    if (over) return
    over = true
    clearTimeout(timer)
    session.disconnect()
  }
  const timer = setTimeout(leave, patienceMs)
  const stillBlocked = (): boolean => Atomics.load(beats, beatPlace) === lastBeat
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url))
  session.on('Debugger.paused', ({ params }) => {
    const [top] = params.callFrames
    // The block ended while V8 was asked: what runs now is something else.
    if (top === undefined || !stillBlocked()) {
      leave()
      return
    }
    const expression = `globalThis[Symbol.for(${JSON.stringify(hookKey)})]?.()`
    const question: Debugger.EvaluateOnCallFrameParameterType = {
      ...{ callFrameId: top.callFrameId, expression },
      ...{ returnByValue: true, silent: true },
    }
    session.post('Debugger.evaluateOnCallFrame', question, (_error, answer) => {
      const seen: Sighting = {
        afterMs: staleMs,
        call: runningCall(answer?.result?.value),
        stack: framesOf(params.callFrames, urls),
      }
      sighting = seen
      // Before it goes on, so that it finds this as soon as it is free.
      port.postMessage(seen)
      leave()
    })
  })
  try {
    session.connectToMainThread()
    session.post('Debugger.enable', (error) => {
      if (error !== null || over || !stillBlocked()) leave()
      else session.post('Debugger.pause')
    })
  } catch {
    // Another debugger has it, or this Node has none.
    leave()
  }
}

function runningCall(value: unknown): RunningCall | undefined {
  if (typeof value !== 'string') return undefined
  const [kind = '', ...name] = value.split(' ')
  return { kind, name: name.join(' ') }
}

function framesOf(
  frames: readonly Debugger.CallFrame[],
  urls: ReadonlyMap<string, string>,
): readonly string[] {
  const told = frames.map(({ functionName, location, url }) => {
    const file = urls.get(location.scriptId) || url || 'unknown'
    const place = `${file}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`
    return { text: `at ${functionName || '<anonymous>'} (${place})`, own: isOwn(file) }
  })
  const sorted = [...told.filter(({ own }) => own), ...told.filter(({ own }) => !own)]
  return sorted.slice(0, mostFrames).map(({ text }) => text)
}

function isOwn(file: string): boolean {
  return file.startsWith('file:') && !file.includes('/node_modules/')
}

/** The logger lives in the thread that is blocked, so this goes to stderr past it. */
function tellHopeless(staleMs: number): void {
  const { call, stack } = sighting ?? {}
  const record = {
    time: new Date().toISOString(),
    level: 'error',
    message: 'The event loop is blocked and nothing is answered.',
    blockedMs: Math.round(staleMs),
    ...(call !== undefined && { [call.kind]: call.name }),
    ...(stack !== undefined && { stack }),
  }
  try {
    writeSync(2, `${JSON.stringify(record)}\n`)
  } catch {
    // A stderr that is gone or takes nothing cannot be told.
  }
}

import type { StdioOutput } from '../transports/stdio/stdio-transport.js'
import type { Replacement } from './patches.js'
import { createPatches } from './patches.js'
import { callSite } from './stray-site.js'

export interface StdoutGuardOptions {
  /** Told once for each place in the program that wrote to stdout, for the first 20 such places. */
  warn(message: string): void
}

export interface GuardedStdout extends StdioOutput {
  /** Stray writes sent to stderr so far, and those dropped because stderr took no more. */
  readonly strays: { readonly diverted: number; readonly dropped: number }
  /** Puts every replaced function back. */
  restore(): void
}

const maxSites = 20
/** Finding the call site costs microseconds, so a program that prints in a loop pays only so many times. */
const maxLookups = 2000
/** Characters of stray output that may wait for a slow stderr. */
const maxWaiting = 1024 * 1024

/** Functions of `node:fs` whose first argument is, or may be, a descriptor or a path to write to. */
const fileWrites = [
  ...['write', 'writeSync', 'writev', 'writevSync', 'open', 'openSync'],
  ...['writeFile', 'writeFileSync', 'appendFile', 'appendFileSync'],
]
const namesOfStdout: ReadonlySet<unknown> = new Set([
  '/dev/stdout',
  '/dev/fd/1',
  '/proc/self/fd/1',
  `/proc/${process.pid}/fd/1`,
])

/**
 * Takes stdout for the protocol and turns everything else that is written to it toward stderr, with a warning that
 * names the place. Covered: `process.stdout.write` and `.end`, and through it every `console` method, `pipe` and the
 * output of worker threads; `node:fs` writes to descriptor 1 (callback, sync, stream) and, with `fs.promises`, to
 * `/dev/stdout` and its like, also through bindings imported earlier from an ES module; child processes that would
 * inherit stdout (`spawn`, `fork`, `cluster`, `spawnSync`, `execSync`, `execFileSync`), which then do not inherit
 * stdin either. Not covered: native code, `process.binding`, `node:fs` inside a worker thread and
 * functions of `node:fs` that CommonJS code took out before the guard; `--isolate-stdout` covers those too.
 *
 * The returned output is what `openStdioTransport` writes to.
 */
export function guardStdout(options: StdoutGuardOptions): GuardedStdout {
  // For pipes and sockets process.stdout is asynchronous on POSIX (measured on Node 20 and 24: 5 MB to a reader that
  // takes 0.8 s delays the event loop by 12 ms, the time of the first copy), so a socket of our own would gain
  // nothing. The 480 ms block comes with fs.writeSync and with files and terminals, where Node itself is synchronous.
  const stdout = process.stdout
  const { write, cork, uncork } = stdout
  const patches = createPatches()
  const strays = { diverted: 0, dropped: 0 }
  const sites = new Set<string>()
  let lookups = 0
  let warning = false

  /** `from` is the function the program called; what is above it on the stack is ours. */
  function note(from: (...args: never[]) => unknown, what: string): void {
    strays.diverted += 1
    if (warning || sites.size >= maxSites || lookups >= maxLookups) return
    lookups += 1
    const site = callSite(from) ?? 'a worker thread or internal code'
    if (sites.has(site)) return
    sites.add(site)
    const last = sites.size === maxSites ? ' Further places are not named.' : ''
    warning = true
    try {
      options.warn(
        `stdout carries the protocol: ${what} at ${site} went to stderr; write to stderr there instead.${last}`,
      )
    } finally {
      warning = false
    }
  }

  function toStderr(args: unknown[], from: (...args: never[]) => unknown): true {
    note(from, 'a stray write')
    const done = args.find((arg) => typeof arg === 'function')
    if (process.stderr.writableLength > maxWaiting) {
      strays.dropped += 1
      if (typeof done === 'function') process.nextTick(done)
    } else {
      Reflect.apply(process.stderr.write, process.stderr, args)
    }
    // Always "go on": a false would make a stray pipe wait for a drain that belongs to the protocol.
    return true
  }

  patches.replace(stdout, 'write', (args, _call, patched) => toStderr(args, patched))
  patches.replace(stdout, 'end', (args, _call, patched) => {
    if (args[0] !== undefined && args[0] !== null && typeof args[0] !== 'function') {
      toStderr(args, patched)
    } else {
      const done = args.find((arg) => typeof arg === 'function')
      if (typeof done === 'function') process.nextTick(done)
    }
    return stdout
  })
  // A cork left behind by other code would hold every answer back.
  patches.replace(stdout, 'cork', () => undefined)
  patches.replace(stdout, 'uncork', () => undefined)

  const redirectFile: Replacement = (args, call, patched) => {
    const target = args[0] instanceof URL ? args[0].pathname : args[0]
    if (target !== 1 && !namesOfStdout.has(target)) return call(args)
    note(patched, target === 1 ? 'a stray write' : `what is written to ${String(target)}`)
    return call([target === 1 ? 2 : '/dev/stderr', ...args.slice(1)])
  }
  const redirectStream: Replacement = (args, call, patched) => {
    const settings = args[1]
    if (typeof settings !== 'object' || settings === null || Reflect.get(settings, 'fd') !== 1) {
      return redirectFile(args, call, patched)
    }
    note(patched, 'a stream opened')
    return call([args[0], { ...settings, fd: 2 }])
  }
  const fs = process.getBuiltinModule('node:fs')
  for (const name of fileWrites) patches.replace(fs, name, redirectFile)
  patches.replace(fs, 'createWriteStream', redirectStream)
  for (const name of ['open', 'writeFile', 'appendFile']) patches.replace(fs.promises, name, redirectFile)

  const redirectChild: Replacement = (args, call, patched) => {
    let diverted = false
    const changed = args.map((arg) => {
      if (typeof arg !== 'object' || arg === null || Array.isArray(arg)) return arg
      const stdio: unknown = Reflect.get(arg, 'stdio')
      const safe = divertStdio(stdio)
      if (safe === stdio) return arg
      diverted = true
      return { ...arg, stdio: safe }
    })
    if (diverted) note(patched, 'the output of a child process started')
    return call(changed)
  }
  const children = process.getBuiltinModule('node:child_process')
  // Every asynchronous way to start a child ends in this method, also through functions taken out earlier.
  patches.replace(children.ChildProcess.prototype, 'spawn', redirectChild)
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) patches.replace(children, name, redirectChild)

  const { syncBuiltinESMExports } = process.getBuiltinModule('node:module')
  syncBuiltinESMExports()

  return {
    write: (text, encoding, done) => Reflect.apply(write, stdout, [text, encoding, done]),
    on: (event: string, listener: (error: Error) => void) => stdout.on(event, listener),
    cork: () => Reflect.apply(cork, stdout, []),
    uncork: () => Reflect.apply(uncork, stdout, []),
    get writableLength() {
      return stdout.writableLength
    },
    get writableNeedDrain() {
      return stdout.writableNeedDrain
    },
    ...(typeof Reflect.get(stdout, 'setTimeout') === 'function'
      ? { setTimeout: (ms: number, listener: () => void) => stdout.setTimeout(ms, listener) }
      : {}),
    strays,
    restore() {
      patches.restore()
      syncBuiltinESMExports()
    },
  }
}

/** The same `stdio` option with stdout (and the stdin that carries the protocol) no longer inherited. */
function divertStdio(stdio: unknown): unknown {
  if (stdio === 'inherit') return ['ignore', 2, 'inherit']
  if (!Array.isArray(stdio)) return stdio
  const list: readonly unknown[] = stdio
  const isStdout = (entry: unknown, at: number): boolean =>
    entry === 1 || entry === process.stdout || (entry === 'inherit' && at === 1)
  const isStdin = (entry: unknown, at: number): boolean =>
    entry === 0 || entry === process.stdin || (entry === 'inherit' && at === 0)
  if (!list.some(isStdout) && !list.some(isStdin)) return stdio
  return list.map((entry, at) => (isStdout(entry, at) ? 2 : isStdin(entry, at) ? 'ignore' : entry))
}

import type { ChildProcess } from 'node:child_process'
import type { StdioInput, StdioOutput } from '../transports/stdio/stdio-transport.js'

/** The flag that asks for a launcher; it is taken out of the child's arguments. */
export const isolateFlag: string = '--isolate-stdout'

/** Holds the child's descriptors as `in,out,parent`; taken out of the environment at once, so no grandchild sees it. */
const variable = 'HOLDFAST_PROTOCOL_FDS'
const childFds = { input: 3, output: 4, parent: 5 } as const
const forwarded: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP']

/** The protocol's streams in an isolated process. */
export interface IsolatedStreams {
  input: StdioInput
  output: StdioOutput
  /** Resolves when the launcher has died: nobody will forward signals any more, and the process should end. */
  parentGone: Promise<void>
}

/**
 * In the launcher: starts this program again with the client's stdin and stdout as its descriptors 3 and 4, an empty
 * stdin, and stdout turned into stderr, so that nothing the program, its native code or its own children print can
 * reach the client. Bytes are not copied: the child has the client's own pipes. Signals go to the child; resolves
 * with the exit code for the launcher (128 + number after a signal).
 */
export async function launchIsolated(): Promise<number> {
  const { spawn } = process.getBuiltinModule('node:child_process')
  const [program, ...rest] = process.argv.slice(1)
  const args = [
    ...process.execArgv,
    ...(program === undefined ? [] : [program]),
    ...rest.filter((a) => a !== isolateFlag),
  ]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, [variable]: Object.values(childFds).join(',') },
    stdio: ['ignore', 2, 2, 0, 1, 'pipe'],
  })
  // The pipe carries nothing: its end tells the child that the launcher is gone.
  child.stdio.at(childFds.parent)?.on('error', () => {})
  for (const signal of forwarded) process.on(signal, () => child.kill(signal))
  process.on('exit', () => child.kill('SIGKILL'))
  return await exitCode(child)
}

async function exitCode(child: ChildProcess): Promise<number> {
  const { constants } = process.getBuiltinModule('node:os')
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    )
  })
}

/** In the child: the protocol's streams; `undefined` in a process that no launcher started. */
export function isolatedStreams(): IsolatedStreams | undefined {
  const value = process.env[variable]
  if (value === undefined) return undefined
  Reflect.deleteProperty(process.env, variable)
  const { fstatSync, createReadStream } = process.getBuiltinModule('node:fs')
  const { Socket } = process.getBuiltinModule('node:net')
  const parent = new Socket({ fd: childFds.parent })
  const parentGone = new Promise<void>((resolve) => parent.once('close', () => resolve()))
  parent.on('error', () => parent.destroy())
  parent.resume()
  // It must tell of the launcher's end, not keep the process alive.
  parent.unref()
  const isPipe = (fd: number): boolean => fstatSync(fd).isFIFO() || fstatSync(fd).isSocket()
  const input = isPipe(childFds.input)
    ? new Socket({ fd: childFds.input, readable: true, writable: false })
    : createReadStream('', { fd: childFds.input, autoClose: false })
  return { input, output: openOutput(isPipe(childFds.output)), parentGone }
}

function openOutput(isPipe: boolean): StdioOutput {
  const { Socket } = process.getBuiltinModule('node:net')
  if (isPipe) return new Socket({ fd: childFds.output, readable: false, writable: true })
  return process.getBuiltinModule('node:fs').createWriteStream('', { fd: childFds.output, autoClose: false })
}

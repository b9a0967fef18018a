const fileWrites = [
  ...['write', 'writeSync', 'writev', 'writevSync'],
  // Node does not make these of the ones above.
  ...['writeFile', 'writeFileSync', 'appendFile', 'appendFileSync'],
] as const

/**
 * Turns what a thread writes to stdout toward stderr: on stdio the process's stdout belongs to the protocol, and a thread's is joined to
 * it. Covered: `process.stdout.write`, and with it `console`, and `node:fs` writes to descriptor 1. Not covered: native code and child
 * processes that inherit stdout; `--isolate-stdout` covers those.
 */
export function leaveStdout(): void {
  const { stderr, stdout } = process
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write
  const fs = process.getBuiltinModule('node:fs')
  for (const name of fileWrites) {
    const original = Reflect.get(fs, name) as (...args: unknown[]) => unknown
    Object.defineProperty(fs, name, {
      value: (fd: unknown, ...rest: unknown[]) => original(fd === 1 ? 2 : fd, ...rest),
      configurable: true,
      enumerable: true,
      writable: true,
    })
  }
  process.getBuiltinModule('node:module').syncBuiltinESMExports()
}

/**
 * Names where in the program the current call comes from, as `path:line`: the first stack frame outside Node and
 * outside `hidden` (the function on top of the stack and everything above it). `undefined` when no frame is the
 * program's own, as for the output of a worker thread.
 */
export function callSite(hidden: (...args: never[]) => unknown): string | undefined {
  const limit = Error.stackTraceLimit
  // A logging library easily puts more than the default ten frames between the program and the write.
  Error.stackTraceLimit = 40
  const holder: { stack?: unknown } = {}
  Error.captureStackTrace(holder, hidden)
  const stack = holder.stack
  Error.stackTraceLimit = limit
  if (typeof stack !== 'string') return undefined
  for (const line of stack.split('\n')) {
    const frame = /^\s+at (?:async )?(?:.*\()?((?:file:\/\/|\/|[A-Za-z]:[\\/]).*?):(\d+)(?::\d+)?\)?$/.exec(
      line,
    )
    if (frame === null) continue
    const [, path = '', row = ''] = frame
    return `${path.replace(/^file:\/\/(?=\/)/, '')}:${row}`
  }
  return undefined
}

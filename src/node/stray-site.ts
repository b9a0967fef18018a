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
    const place = line.startsWith(' ') ? placeIn(line) : undefined
    if (place !== undefined) return place
  }
  return undefined
}

/** `at f (file:///a/b.js:1:2)` and `at /a/b.js:1:2` name a file; built-in and anonymous frames do not. */
function placeIn(frame: string): string | undefined {
  const start = /(?:\(|^\s{1,16}at (?:async )?)(?=(?:file:\/)?\/|[A-Za-z]:[\\/])/.exec(frame)
  const end = /:(\d{1,9})(?::\d{1,9})?\)?$/.exec(frame)
  if (start === null || end === null) return undefined
  const path = frame.slice(start.index + start[0].length, end.index)
  return `${path.replace(/^file:\/\/(?=\/)/, '')}:${end[1] ?? ''}`
}

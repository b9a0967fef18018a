type Soon = (fn: () => void) => unknown

/** Not every runtime has setImmediate; where it is missing, a timer of no length comes as late. */
const soon: Soon = typeof setImmediate === 'function' ? (fn) => setImmediate(fn) : (fn) => setTimeout(fn, 0)

/** Calls `fn` when the current turn of the event loop is over, with all its microtasks. */
export function afterTick(fn: () => void): void {
  soon(fn)
}

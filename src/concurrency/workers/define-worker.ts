import type { Logger } from '../../contracts/logger.js'
import type { ToolErrorDetails } from '../../errors/tool-error.js'

/** What a worker's function is given beside its input. There are no services: a thread shares nothing with its server. */
export interface WorkerContext {
  /**
   * Aborts when the client cancels or leaves, at the deadline, and when the server closes. Reading `aborted` looks for the news, so
   * that a loop without an `await` can ask it. Who does not stop within 100 ms is stopped, with its thread.
   */
  readonly signal: AbortSignal
  /**
   * Tells the client how far the work is, as `ctx.progress` of a handler does; at most fifty times a second, and what comes in
   * between is replaced by what is newer.
   */
  progress(progress: number, total?: number, message?: string): void
  /** The server's logger, with the call's fields. At most a hundred records a second are taken; how many were left out is logged. */
  readonly log: Logger
  /**
   * The error to throw: `throw ctx.error('too_large', { message })`. A code of the tool's catalogue (`errors`) brings its message, hint
   * and `retryable`.
   */
  error(code: string, details?: ToolErrorDetails): Error
}

export type WorkerFunction<Input = never, Output = unknown> = (
  input: Input,
  ctx: WorkerContext,
) => Output | Promise<Output>

/** Found on what `defineWorker` made, also by another copy of this package. */
export const workerFunction: unique symbol = Symbol.for('holdfast.worker') as never

/** What a worker module exports as its default. */
export interface WorkerModule<Input = never, Output = unknown> {
  readonly [workerFunction]: WorkerFunction<Input, Output>
}

/** What `import()` of a worker module gives: the type argument of `ctx.runWorker`. */
export interface WorkerExports {
  readonly default: WorkerModule<never, unknown>
}

/** What the function of a worker module takes; unknown where the module is. */
export type WorkerInput<Module extends WorkerExports> =
  Module['default'] extends WorkerModule<infer Input, unknown>
    ? [Input] extends [never]
      ? unknown
      : Input
    : unknown

/** What it resolves with. */
export type WorkerOutput<Module extends WorkerExports> =
  Module['default'] extends WorkerModule<never, infer Output> ? Awaited<Output> : unknown

/**
 * Makes a module the work of a tool: `export default defineWorker((input, ctx) => ...)`, and `worker: new URL('./heavy.js',
 * import.meta.url)` on the tool in place of a handler, or `ctx.runWorker` in one. It runs on a thread, with the checked arguments; arguments and result are
 * copied from thread to thread, so they must be data (structured clone). docs/workers.md
 * @throws TypeError for something that is no function.
 */
export function defineWorker<Input = Readonly<Record<string, unknown>>, Output = unknown>(
  work: WorkerFunction<Input, Output>,
): WorkerModule<Input, Output> {
  if (typeof work !== 'function') {
    throw new TypeError(`defineWorker takes a function (input, ctx) => output, received ${typeof work}.`)
  }
  return { [workerFunction]: work }
}

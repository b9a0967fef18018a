import type { Context } from './context.js'

/** The threads of a server, as far as tools know them. */
export interface Workers {
  /** The sentence that says what is wrong with a module's address, or nothing. */
  check(worker: unknown): string | undefined
  /** Runs the module's function with checked input; rejects as a handler would. */
  run(worker: URL, name: string, input: unknown, ctx: Context): Promise<unknown>
}

import type { Exchange } from './exchange.js'
import type { Question } from './interaction.js'

/** Where a call goes on after it was answered, and how its client is reached from there: a task. */
export interface Background {
  /** Whether the client has its answer already and comes back for the result. */
  readonly begun: boolean
  /** Milliseconds, from its beginning, for which its result is kept. */
  readonly keptMs: number
  /** Answers the client; what follows goes on without it. Resolves when the client could come back. */
  begin(): Promise<void>
  /** Puts a question where the client finds it; resolves with the answer as it came, rejects when the signal aborts. */
  ask(question: Question, signal: AbortSignal): Promise<unknown>
  /** Says in a sentence how far the work is. */
  report(message: string): void
}

/** How a tool's calls become tasks. */
export interface TaskSetting {
  /** A client without tasks is refused. */
  readonly required: boolean
  /** `call`: once its arguments were checked. `handler`: when the handler says so, by `ctx.beginTask()`. */
  readonly begins: 'call' | 'handler'
  /** Milliseconds from its creation for which a task and its result are kept; undefined: as the server says. */
  readonly ttlMs: number | undefined
  /** Milliseconds that the work may take; undefined: as long as the task is kept. */
  readonly timeoutMs: number | undefined
}

/** Lets the calls of some tools go on after they were answered. */
export interface Deferral {
  /**
   * Runs a call by `work`, on an exchange that outlives the request. Resolves with the text of its result, or of what
   * stands for the result until it is there.
   */
  run(exchange: Exchange, tool: DeferredTool, work: (exchange: Exchange) => Promise<string>): Promise<string>
  /** A task as the client of `exchange` may see it now; undefined when there is none that is its own. */
  state(id: string, exchange: Exchange): Promise<object | undefined>
}

export interface DeferredTool {
  readonly name: string
  readonly task: TaskSetting
  /** Whether its calls may run again when nobody knows how far they came. */
  readonly repeatable: boolean
}

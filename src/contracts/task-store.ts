export type TaskStatus = 'working' | 'input_required' | 'completed' | 'cancelled' | 'failed'

/** A call that goes on after its answer, as it is kept. Times are milliseconds since 1970. */
export interface TaskRecord {
  readonly id: string
  /** The key of the principal that it belongs to. */
  readonly owner: string
  /** The name of the tool that was called. */
  readonly tool: string
  readonly status: TaskStatus
  /** How far it is, or why it ended, in a sentence. */
  readonly statusMessage?: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Kept until `createdAt` plus this many milliseconds. */
  readonly ttlMs: number
  /** While it waits for its client: the questions by their keys. */
  readonly inputRequests?: Readonly<Record<string, object>>
  /**
   * Which run of its call this is, from 1. Only a task that may run again has one; a store takes nothing of an earlier
   * attempt once it has a later one.
   */
  readonly attempt?: number
  /** Once completed: what the call would have been answered, as JSON text. */
  readonly result?: string
  /** Once failed: the JSON-RPC error that the call would have been answered. */
  readonly error?: object
}

/**
 * Keeps tasks until their time is over, shared between nodes when its implementation is. A record that it took is
 * there for every later `get`, and none is dropped before its time: a store without room rejects.
 */
export interface TaskStore {
  /**
   * Resolves when a `get` from anywhere would find it. Rejects when there is no room. `call` is what it takes to run the
   * task again, sealed; it is kept beside the record for as long as the task has not ended.
   */
  create(record: TaskRecord, call?: string): Promise<void>
  /** Undefined when there is none, or its time is over. */
  get(id: string): Promise<TaskRecord | undefined>
  /**
   * Replaces the record; one that is completed, cancelled or failed stays as it is, and so does one of a later attempt.
   * No attempt counts as 0. Judged and written in one step.
   */
  update(record: TaskRecord): Promise<void>
  /**
   * Replaces the record by that of a later attempt, and resolves with the call that is kept beside it. Undefined, and
   * nothing was changed, when the task has ended, its attempt is not an earlier one, or no call is kept: so of many nodes
   * one runs it again. Judged and written in one step. Without this method no task is run again.
   */
  restart?(record: TaskRecord): Promise<string | undefined>
}

/** Whether a task has come to its end and changes no more. */
export function isTerminal(status: TaskStatus): boolean {
  return status === 'completed' || status === 'cancelled' || status === 'failed'
}

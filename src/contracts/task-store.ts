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
  /** Resolves when a `get` from anywhere would find it. Rejects when there is no room. */
  create(record: TaskRecord): Promise<void>
  /** Undefined when there is none, or its time is over. */
  get(id: string): Promise<TaskRecord | undefined>
  /** Replaces the record; one that is completed, cancelled or failed stays as it is. */
  update(record: TaskRecord): Promise<void>
}

/** Whether a task has come to its end and changes no more. */
export function isTerminal(status: TaskStatus): boolean {
  return status === 'completed' || status === 'cancelled' || status === 'failed'
}

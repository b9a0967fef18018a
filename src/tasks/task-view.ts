import type { TaskRecord } from '../contracts/task-store.js'

/** What every message about a task says of it (SEP-2663, "Task"). `pollIntervalMs` is how long clients should wait between looks. */
export function taskSummary(record: TaskRecord, pollIntervalMs: number): object {
  const { id, status, statusMessage, createdAt, updatedAt, ttlMs } = record
  return {
    taskId: id,
    status,
    ...(statusMessage !== undefined && { statusMessage }),
    createdAt: new Date(createdAt).toISOString(),
    lastUpdatedAt: new Date(updatedAt).toISOString(),
    ttlMs,
    pollIntervalMs,
  }
}

/** The same with what its client may fetch: questions, result, error. */
export function taskDetails(record: TaskRecord, pollIntervalMs: number): object {
  const { inputRequests, result, error } = record
  return {
    ...taskSummary(record, pollIntervalMs),
    ...(inputRequests !== undefined && { inputRequests }),
    ...(result !== undefined && { result: JSON.parse(result) as object }),
    ...(error !== undefined && { error }),
  }
}

import type { MessagePort } from 'node:worker_threads'
import type { LogLevel } from '../../contracts/logger.js'
import type { ErrorRecord, ThrownToolError } from './error-record.js'

/** What one call gives a thread. The port is the call's own: what comes out of it belongs to nobody else. */
export interface Job {
  readonly port: MessagePort
  /** The module, as `file:` URL. */
  readonly url: string
  readonly input: unknown
}

export type Progress = readonly [progress: number, total: number | undefined, message: string | undefined]

export type ToThread =
  /** Nobody waits any more. */
  | { readonly kind: 'abort'; readonly reason: string }
  /** The progress that was sent has been passed on: another may come. */
  | { readonly kind: 'passed on' }

export type FromThread =
  | { readonly kind: 'begun'; readonly threadId: number }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | {
      readonly kind: 'log'
      readonly level: LogLevel
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>> | undefined
    }
  | Ended

/** The last message of a call, with what was not sent before. */
export type Ended = Outcome & {
  readonly lastProgress: Progress | undefined
  readonly logsLeftOut: number
}

export type Outcome =
  | { readonly kind: 'result'; readonly value: unknown }
  /** The function threw what a model may read. */
  | { readonly kind: 'tool error'; readonly error: ThrownToolError }
  /** The function threw something else, or the module is none. */
  | { readonly kind: 'thrown'; readonly error: ErrorRecord }
  /** Something that it started failed where nobody could catch it; the thread ends. */
  | { readonly kind: 'stray'; readonly error: ErrorRecord }
  /** Its result is no data. */
  | { readonly kind: 'unclonable'; readonly error: ErrorRecord }

/** What a thread says outside of any call, to the pool: something that an earlier call left behind has failed. */
export interface LateFailure {
  readonly kind: 'late failure'
  readonly url: string | undefined
  readonly error: ErrorRecord
}

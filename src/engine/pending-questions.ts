import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import { clean } from '../errors/shown.js'
import { ToolError } from '../errors/tool-error.js'
import { isRecord, type RequestId, type ResponseFrame, requestKey } from '../protocol/json-rpc.js'

interface Waiting {
  resolve(result: unknown): void
  reject(error: unknown): void
}

export interface AskOptions {
  readonly scope: string
  readonly method: string
  readonly params: object
  readonly signal: AbortSignal
  /** Sends one message to the client; throws where it cannot be reached. */
  send(text: string): void
  /** Sends that the question is taken back, wherever the client can still be reached. */
  takeBack(text: string): void
}

/** Our requests to clients that wait for their answers, by session and id. */
export class PendingQuestions implements Bounded {
  readonly #name: string
  readonly #limit: number
  readonly #waiting = new Map<string, Waiting>()
  /** Sets the ids of this process apart from those of others that serve the same session. */
  readonly #prefix = crypto.randomUUID().slice(0, 8)
  #last = 0
  #refused = 0

  constructor(name: string, limit: number) {
    this.#name = name
    this.#limit = limit
  }

  /** Asks and waits. When the signal aborts, the client is told that its answer is no longer wanted. */
  ask({ scope, method, params, signal, send, takeBack }: AskOptions): Promise<unknown> {
    if (this.#waiting.size >= this.#limit) {
      this.#refused += 1
      return Promise.reject(
        new ToolError('overloaded', {
          message: 'Too many questions wait for their clients to answer.',
          hint: 'Try again later.',
          retryable: true,
        }),
      )
    }
    this.#last += 1
    const id = `${this.#prefix}-${this.#last}`
    const key = scope + requestKey(id)
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#waiting.delete(key)
        signal.removeEventListener('abort', abandon)
      }
      const abandon = (): void => {
        done()
        reject(signal.reason)
        takeBack(
          JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }),
        )
      }
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      signal.addEventListener('abort', abandon, { once: true })
      this.#waiting.set(key, {
        resolve: (result) => {
          done()
          resolve(result)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      try {
        send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      } catch (error) {
        done()
        reject(error)
      }
    })
  }

  /** Hands a response to whoever waits for it here; false when nobody does. */
  settle(frame: ResponseFrame, scope = ''): boolean {
    const waiting = frame.id === undefined ? undefined : this.#waiting.get(scope + requestKey(frame.id))
    if (waiting === undefined) return false
    const { result, error } = frame.body
    if (isRecord(result)) waiting.resolve(result)
    else waiting.reject(clientFailed(error))
    return true
  }

  /** Whether the id could be that of a question which another process asked. */
  isElsewhere(id: RequestId): boolean {
    return typeof id === 'string' && /^[0-9a-f]{8}-\d{1,15}$/.test(id) && !id.startsWith(`${this.#prefix}-`)
  }

  stats(): BoundedStats {
    return {
      name: this.#name,
      size: this.#waiting.size,
      limit: this.#limit,
      unit: 'entries',
      dropped: this.#refused,
    }
  }
}

/** What the client said of its failure goes back to that client only. */
function clientFailed(error: unknown): ToolError {
  const { code, message } = isRecord(error) ? error : {}
  const said = typeof message === 'string' ? clean(message).slice(0, 300).trim() : ''
  return new ToolError('client_failed', {
    message: `The client could not answer what it was asked${said === '' ? '' : `: ${said}`}.`,
    hint: 'Ask the user, or try again later.',
    ...(typeof code === 'number' && { data: { code } }),
  })
}

import type { Redis } from 'ioredis'
import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import { StartError } from '../../errors/start-error.js'

/** How long the first calls wait for the first connection: loading the client alone may take a quarter of a second. */
const startTimeoutMs = 1500
const connectTimeoutMs = 2000
const longestPauseMs = 1000

export interface LinkOptions {
  /** What `stats()` calls its waiting commands. */
  readonly name: string
  readonly url: string
  /** Further options of ioredis; what a bounded outage rests on cannot be changed by them. */
  readonly client: Readonly<Record<string, unknown>>
  readonly commandTimeoutMs: number
  readonly heartbeatMs: number
  readonly maxInFlight: number
  /** Before each connection counts as usable; when it rejects, the connection is given up and the next one tried. */
  prepare?(client: Redis): Promise<void>
  /** Once for each outage, and once when it is over. */
  onAway(reason: Error): void
  onBack(): void
}

/**
 * One connection that fails fast. A command waits for its answer no longer than `commandTimeoutMs`, and while there is no
 * connection it is refused at once: nothing queues up behind a Redis that is down. A connection on which a command ran out
 * of time is given up, so that only the first callers wait for a Redis that hangs.
 */
export class RedisLink implements Bounded {
  readonly #options: LinkOptions
  #client: Redis | undefined
  #starting: Promise<void> | undefined
  #state: 'new' | 'starting' | 'ready' | 'away' | 'closed' = 'new'
  #started: () => void = () => undefined
  #heartbeat: ReturnType<typeof setInterval> | undefined
  #lastError: Error | undefined
  #inFlight = 0
  #refused = 0

  constructor(options: LinkOptions) {
    this.#options = options
  }

  /** Whether commands are answered, as far as it knows. Before the first connection it assumes so. */
  get reachable(): boolean {
    return this.#state !== 'away'
  }

  /** Whether there is a connection, prepared. */
  get ready(): boolean {
    return this.#state === 'ready'
  }

  /** Begins to connect; safe to call often. */
  start(): void {
    if (this.#state !== 'new') return
    this.#state = 'starting'
    this.#starting = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, startTimeoutMs)
      this.#started = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#open().catch((error: unknown) => this.#away(asError(error)))
  }

  /** Sends one command; rejects in bounded time when Redis is out of reach, and with what Redis refuses it with. */
  async call(command: string, ...args: (string | number)[]): Promise<unknown> {
    this.start()
    if (this.#state === 'starting') await this.#starting
    const client = this.#client
    if (client === undefined || this.#state !== 'ready') throw this.#unreachable()
    if (this.#inFlight >= this.#options.maxInFlight) {
      this.#refused += 1
      throw new Error(`${this.#options.maxInFlight} commands wait for Redis already; no more are sent.`)
    }
    this.#inFlight += 1
    try {
      return await client.call(command, ...args)
    } catch (thrown) {
      const error = withoutCommand(thrown)
      if (isReply(error)) throw error
      // What was sent before it waits on the same connection, and would only run out of time as well.
      if (isTimeout(error) && this.reachable) this.#giveUp(client, asError(error))
      throw this.#unreachable(error)
    } finally {
      this.#inFlight -= 1
    }
  }

  stats(): BoundedStats {
    return {
      name: this.#options.name,
      size: this.#inFlight,
      limit: this.#options.maxInFlight,
      unit: 'entries',
      dropped: this.#refused,
    }
  }

  /** Lets commands under way finish for as long as a command may take. */
  async close(): Promise<void> {
    const before = this.#state
    this.#state = 'closed'
    clearInterval(this.#heartbeat)
    this.#started()
    if (before === 'ready') await this.#client?.quit().catch(() => undefined)
    this.#client?.disconnect()
  }

  async #open(): Promise<void> {
    const { url, client: more, commandTimeoutMs, heartbeatMs } = this.#options
    const Client = await loadClient()
    if (this.#state === 'closed') return
    const client = new Client(url, {
      connectTimeout: connectTimeoutMs,
      ...more,
      commandTimeout: commandTimeoutMs,
      // A connection that hangs does not answer the end of it either.
      ...{ disconnectTimeout: commandTimeoutMs },
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      // A command whose answer was lost may have been done; it is its caller who knows whether it may be done twice.
      autoResendUnfulfilledCommands: false,
      // Subscriptions are made anew by `prepare`, also those that were asked for while Redis was away.
      autoResubscribe: false,
      retryStrategy: (attempt) =>
        Math.min(longestPauseMs, 25 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2),
    })
    this.#client = client
    // Without a listener ioredis writes to stderr by itself, and other emitters would end the process.
    client.on('error', (error: Error) => {
      this.#lastError = withoutCommand(error)
    })
    client.on('ready', () => void this.#ready(client))
    client.on('close', () => this.#away(this.#lastError ?? new Error('The connection was closed.')))
    this.#heartbeat = setInterval(() => {
      // A connection that nothing is sent on would not be known to hang. A refused PING tells what a lost one tells.
      if (this.#state === 'ready') void this.call('PING').catch(() => undefined)
    }, heartbeatMs)
    this.#heartbeat.unref()
  }

  async #ready(client: Redis): Promise<void> {
    try {
      await this.#options.prepare?.(client)
    } catch (error) {
      this.#giveUp(client, asError(error))
      return
    }
    // It may have broken again meanwhile; then another one follows.
    if (this.#state === 'closed' || client.status !== 'ready') return
    const wasAway = this.#state === 'away'
    this.#state = 'ready'
    this.#lastError = undefined
    this.#started()
    if (wasAway) this.#options.onBack()
  }

  #giveUp(client: Redis, reason: Error): void {
    if (this.#state === 'closed') return
    this.#away(reason)
    client.disconnect(true)
  }

  #away(reason: Error): void {
    if (this.#state === 'closed' || this.#state === 'away') return
    this.#lastError = withoutCommand(reason)
    this.#state = 'away'
    this.#started()
    this.#options.onAway(this.#lastError)
  }

  #unreachable(cause: unknown = this.#lastError): Error {
    if (StartError.is(cause)) return cause
    const how = this.#state === 'closed' ? 'The connection to Redis is closed' : 'Redis is out of reach'
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    return new Error(`${how}${why.replace(/\.?$/, '.')}`, { cause })
  }
}

async function loadClient(): Promise<typeof Redis> {
  try {
    const loaded = await import('ioredis')
    return loaded.Redis
  } catch (cause) {
    throw new StartError(
      'redis() of holdfast/stores/redis needs the package ioredis; run `npm install ioredis`.',
      { cause },
    )
  }
}

/** Redis answered, and it was no: the connection is well. */
export function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}

/** ioredis hangs the command on its errors, with its arguments: the password, or what was to be kept. Logs show such. */
function withoutCommand<Thrown>(error: Thrown): Thrown {
  if (error instanceof Error) Reflect.deleteProperty(error, 'command')
  return error
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out'
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

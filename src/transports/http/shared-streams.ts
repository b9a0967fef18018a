import type { Bus } from '../../contracts/bus.js'
import type { Clock } from '../../contracts/clock.js'
import type { EventStore, KeptEvents } from '../../contracts/event-store.js'
import type { Logger } from '../../contracts/logger.js'
import { isRecord } from '../../protocol/json-rpc.js'
import { messageOf } from './reply.js'
import { StreamWriter } from './stream-writer.js'

const topic = 'holdfast:streams'
/** Between two lines in the log about a store that is out of reach. */
const quietMs = 60_000

export interface SharedStreamsOptions {
  readonly store: EventStore
  readonly bus: Bus
  readonly clock: Clock
  readonly logger: Logger
  /** A client has come back to another node for a stream of this one. */
  onTaken(session: string, stream: string): void
  /** A message came for a stream after this node took it. */
  onLate(session: string, stream: string, message: string): void
}

/**
 * `taken`: a client came to the sender for this stream. `more`: the stream's own node has added to it. `late`: the node that had it
 * before could add these messages no more.
 */
interface Said {
  readonly from: string
  readonly what: 'taken' | 'more' | 'late'
  readonly key: string
  readonly messages?: readonly string[]
}

/** The streams of all nodes: what they add is kept where every node finds it, and whoever goes on with one tells its own node. */
export class SharedStreams {
  readonly #options: SharedStreamsOptions
  readonly #node = crypto.randomUUID()
  /** Streams of other nodes that are followed here, by their key. Each belongs to a connection, which are counted. */
  readonly #followers = new Map<string, Set<() => void>>()
  #complainedAt = Number.NEGATIVE_INFINITY

  constructor(options: SharedStreamsOptions) {
    this.#options = options
    options.bus.subscribe(topic, (message) => this.#hear(message))
  }

  get clock(): Clock {
    return this.#options.clock
  }

  writer(session: string, stream: string, onTaken: () => void): StreamWriter {
    const { store, clock } = this.#options
    return new StreamWriter({
      store,
      key: keyOf(session, stream),
      node: this.#node,
      now: () => clock.monotonic(),
      onTaken: (late) => {
        if (late.length > 0)
          this.#say(
            'late',
            keyOf(session, stream),
            late.map(({ text }) => messageOf(text)),
          )
        onTaken()
      },
      onMore: (key) => this.#say('more', key),
      onFailure: (error) => this.failed(error),
    })
  }

  async after(session: string, stream: string, sequence: number): Promise<KeptEvents | undefined> {
    return this.#options.store.after(keyOf(session, stream), sequence)
  }

  /** The same, and from now on this node alone adds to the stream. Its own node is told. */
  async take(session: string, stream: string, sequence: number): Promise<KeptEvents | undefined> {
    const kept = await this.#options.store.after(keyOf(session, stream), sequence, this.#node)
    this.claim(session, stream)
    return kept
  }

  /** Tells a stream's own node that its client is here. */
  claim(session: string, stream: string): void {
    this.#say('taken', keyOf(session, stream))
  }

  async forget(session: string, stream: string): Promise<void> {
    await this.#options.store.forget(keyOf(session, stream))
  }

  /** Calls `wake` whenever the stream's own node says that there is more. Returns the function that ends it. */
  follow(session: string, stream: string, wake: () => void): () => void {
    const key = keyOf(session, stream)
    const wakes = this.#followers.get(key) ?? new Set()
    this.#followers.set(key, wakes.add(wake))
    return () => {
      wakes.delete(wake)
      if (wakes.size === 0) this.#followers.delete(key)
    }
  }

  /** Says so once in a while, however many streams meet it. */
  failed(error: unknown): void {
    const now = this.#options.clock.monotonic()
    if (now - this.#complainedAt < quietMs) return
    this.#complainedAt = now
    this.#options.logger.error(
      'The store of events is out of reach: clients that come back to another node do not find their streams.',
      { error },
    )
  }

  #say(what: Said['what'], key: string, messages?: readonly string[]): void {
    const { bus } = this.#options
    const said: Said = { from: this.#node, what, key, ...(messages && { messages }) }
    const failed = (error: unknown): void => this.failed(error)
    try {
      Promise.resolve(bus.publish(topic, JSON.stringify(said))).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #hear(message: string): void {
    const said = readSaid(message)
    if (said === undefined || said.from === this.#node) return
    if (said.what === 'more') {
      for (const wake of this.#followers.get(said.key) ?? []) wake()
      return
    }
    const [session = '', stream = ''] = said.key.split(' ')
    if (said.what === 'taken') this.#options.onTaken(session, stream)
    for (const message of said.messages ?? []) this.#options.onLate(session, stream, message)
  }
}

/** Another session's stream is found as little as none. Neither part has a space in it. */
function keyOf(session: string, stream: string): string {
  return `${session} ${stream}`
}

function readSaid(message: string): Said | undefined {
  let value: unknown
  try {
    value = JSON.parse(message)
  } catch {
    return undefined
  }
  if (!isRecord(value)) return undefined
  const { from, what, key, messages } = value
  if (typeof from !== 'string' || typeof key !== 'string') return undefined
  if (what === 'taken' || what === 'more') return { from, what, key }
  if (what !== 'late' || !Array.isArray(messages)) return undefined
  return { from, what, key, messages: messages.filter((message) => typeof message === 'string') }
}

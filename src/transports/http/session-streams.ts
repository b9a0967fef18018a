import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import { BoundedMap } from '../../contracts/bounded-map.js'
import type { Principal } from '../../contracts/principal.js'
import { noticeFor } from '../../engine/change-notices.js'
import type { Changes } from '../../engine/changes.js'
import { type ExpiryOptions, whenExpired } from '../../engine/expiry.js'
import type { PeerRecord } from '../../engine/peers.js'
import type { Session } from '../../engine/session.js'
import { EventLog } from './event-log.js'
import type { ReplySink } from './reply.js'
import { readEventId, SessionStream } from './session-stream.js'

/** Streams without a connection that a client may still come back to. */
const maxLeft = 10_000
/** How long a client has to come back: more than a laptop's nap on a train, less than a lunch. */
const returnMs = 5 * 60_000
/** Streams that one session may have open by GET; the oldest is ended for one more. */
const maxPerSession = 4

export interface SessionStreamsOptions extends ExpiryOptions {
  readonly changes: Changes
  /** Streams that may be open by GET at once. */
  readonly maxStreams: number
  readonly maxLogBytes: number
  record(session: string): PeerRecord | undefined
  /** Whether a caller may know of this resource, which it once subscribed to. */
  mayHearOf(uri: string, principal: Principal): boolean
}

type Headers = Readonly<Record<string, string>>

/**
 * The streams of sessions on this node: those that answer a POST, and those that a GET opened for what belongs to no
 * request. A client whose connection broke comes back to either with `Last-Event-ID`.
 */
export class SessionStreams implements Bounded {
  readonly log: EventLog
  readonly left: BoundedMap<string, SessionStream>
  readonly #options: SessionStreamsOptions
  /** Those with a connection, by their id. */
  readonly #attached = new Map<string, SessionStream>()
  /** Those that a GET opened, by session, newest last. */
  readonly #standalone = new Map<string, SessionStream[]>()
  readonly #bySink = new WeakMap<ReplySink, SessionStream>()
  #openByGet = 0
  #refused = 0
  #closed = false
  #listening = false

  constructor(options: SessionStreamsOptions) {
    this.#options = options
    this.log = new EventLog(options.maxLogBytes)
    this.left = new BoundedMap('streams without a connection (HTTP)', maxLeft)
  }

  /** The stream that answers one POST; it takes no connection before it has something to write. */
  forAnswer(session: Session, sink: ReplySink, headers: Headers): SessionStream {
    const stream = this.#make('p', session)
    this.#attached.set(stream.id, stream)
    stream.attach(sink, headers)
    return stream
  }

  /** Opens a stream for what belongs to no request; false when there are too many. */
  openStandalone(session: Session, principal: Principal, sink: ReplySink, headers: Headers): boolean {
    if (!this.#admit(sink, principal)) return false
    this.#start(session, principal, sink, headers)
    return true
  }

  /**
   * Takes a client back to its stream. `unknown`: nothing is known of it here, or what the client missed is gone.
   */
  resume(
    lastEventId: string,
    session: Session,
    principal: Principal,
    sink: ReplySink,
    headers: Headers,
  ): 'resumed' | 'over' | 'unknown' | 'full' {
    const event = readEventId(lastEventId)
    if (event === undefined) return 'unknown'
    if (!this.#admit(sink, principal)) return 'full'
    const known = this.#attached.get(event.stream) ?? this.left.peek(event.stream)
    // Another session's stream is as unknown as none.
    const stream = known?.session === session.key ? known : undefined
    const resumed = stream?.resume(event.sequence, sink, headers) ?? 'lost'
    if (stream === undefined || resumed === 'lost') {
      // A new stream for news does as well as a lost one; an answer that is gone does not come by waiting for it.
      if (!event.stream.startsWith('g')) return 'unknown'
      this.#start(session, principal, sink, headers)
      return 'resumed'
    }
    stream.principal = principal
    this.#bySink.set(sink, stream)
    if (stream.attached) {
      this.left.delete(stream.id)
      this.#attached.set(stream.id, stream)
    }
    return resumed
  }

  /** Sends a message that belongs to no request on the session's newest stream; false when it has none. */
  send(session: string, message: string): boolean {
    const stream = this.#newest(session)
    if (stream === undefined) return false
    void stream.send(message)
    return true
  }

  #newest(session: string): SessionStream | undefined {
    const streams = this.#standalone.get(session)
    return streams?.findLast((one) => one.attached) ?? streams?.at(-1)
  }

  /** Ends what a session has open. */
  end(session: string): void {
    for (const stream of [...(this.#standalone.get(session) ?? [])]) stream.finish()
    for (const stream of [...this.#attached.values()]) if (stream.session === session) stream.finish()
    for (const stream of [...this.left.values()]) if (stream.session === session) this.#forget(stream)
  }

  /** Ends every stream that waits for nothing but news, and takes no more. */
  close(): void {
    this.#closed = true
    for (const streams of [...this.#standalone.values()]) for (const stream of [...streams]) stream.finish()
  }

  stats(): BoundedStats {
    return {
      name: 'streams opened by GET (HTTP)',
      size: this.#openByGet,
      limit: this.#options.maxStreams,
      unit: 'entries',
      dropped: this.#refused,
    }
  }

  #start(session: Session, principal: Principal, sink: ReplySink, headers: Headers): void {
    this.#listen()
    const stream = this.#make('g', session)
    stream.principal = principal
    this.#bySink.set(sink, stream)
    const streams = this.#standalone.get(session.key) ?? []
    if (streams.length >= maxPerSession) streams[0]?.finish()
    this.#standalone.set(session.key, [...(this.#standalone.get(session.key) ?? []), stream])
    this.#attached.set(stream.id, stream)
    stream.attach(sink, headers)
    stream.open()
  }

  /** What a GET opens lasts as long as the token that opened it; its client comes back with a new one. */
  #admit(sink: ReplySink, principal: Principal): boolean {
    if (this.#closed || this.#openByGet >= this.#options.maxStreams) {
      this.#refused += 1
      return false
    }
    this.#openByGet += 1
    const keep = whenExpired(principal, this.#options, () => this.#bySink.get(sink)?.leave(sink))
    sink.onOver(() => {
      keep()
      this.#openByGet -= 1
    })
    return true
  }

  #make(kind: 'p' | 'g', session: Session): SessionStream {
    return new SessionStream({
      id: `${kind}${crypto.randomUUID().slice(0, 18)}`,
      session: session.key,
      log: this.log,
      primes: session.dialect.revision.http.primes,
      onDetached: (stream) => this.#leave(stream),
      onFinished: (stream) => {
        this.#removeStandalone(stream)
        this.#leave(stream)
      },
    })
  }

  /** Keeps a stream without a connection for a while, for its client to come back to. */
  #leave(stream: SessionStream): void {
    this.#attached.delete(stream.id)
    stream.leftAt = this.#options.clock.monotonic()
    const evicted = this.left.set(stream.id, stream)
    if (evicted !== undefined) this.#forget(evicted)
    if (this.left.size === 1) this.#sweepLater()
  }

  /** One timer for all; they were left in the order in which they stand. */
  #sweepLater(): void {
    this.#options.clock.after(returnMs / 5, () => {
      const before = this.#options.clock.monotonic() - returnMs
      for (const stream of [...this.left.values()]) {
        if (stream.leftAt > before) break
        this.#forget(stream)
      }
      if (this.left.size > 0) this.#sweepLater()
    })
  }

  #forget(stream: SessionStream): void {
    this.left.delete(stream.id)
    this.#removeStandalone(stream)
    this.log.forget(stream.id)
  }

  #removeStandalone(stream: SessionStream): void {
    const streams = this.#standalone.get(stream.session)
    if (streams === undefined) return
    const rest = streams.filter((one) => one !== stream)
    if (rest.length === 0) this.#standalone.delete(stream.session)
    else this.#standalone.set(stream.session, rest)
  }

  /** Only once somebody wants to hear. */
  #listen(): void {
    if (this.#listening) return
    this.#listening = true
    this.#options.changes.listen((change) => {
      for (const session of this.#standalone.keys()) {
        const notice = noticeFor(change, this.#options.record(session))
        if (notice === undefined) continue
        // The token may grant less than the one that the session was subscribed with.
        const principal = change.kind === 'resource' ? this.#newest(session)?.principal : undefined
        const mayHear =
          principal === undefined ||
          change.kind !== 'resource' ||
          this.#options.mayHearOf(change.uri, principal)
        if (mayHear) this.send(session, notice)
      }
    })
  }
}

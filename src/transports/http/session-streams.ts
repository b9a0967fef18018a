import type { Bounded, BoundedStats } from '../../contracts/bounded.js'
import { BoundedMap } from '../../contracts/bounded-map.js'
import type { Bus } from '../../contracts/bus.js'
import type { EventStore } from '../../contracts/event-store.js'
import type { Logger } from '../../contracts/logger.js'
import type { Principal } from '../../contracts/principal.js'
import { noticeFor } from '../../engine/change-notices.js'
import type { Changes } from '../../engine/changes.js'
import { type ExpiryOptions, whenExpired } from '../../engine/expiry.js'
import type { PeerRecord } from '../../engine/peers.js'
import type { Session } from '../../engine/session.js'
import { answerId, type EventId, isStandalone, readEventId, standaloneId } from './event-id.js'
import { EventLog } from './event-log.js'
import { FollowedStream } from './followed-stream.js'
import type { ReplySink } from './reply.js'
import { SessionStream } from './session-stream.js'
import { SharedStreams } from './shared-streams.js'

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
  /** Where all nodes find the events of streams; undefined: clients must come back to the node that they left. */
  readonly events: EventStore | undefined
  readonly bus: Bus
  readonly logger: Logger
  record(session: string): PeerRecord | undefined
  /** Tells the other nodes what a session has changed: one that started later may not know. */
  tell(session: string): void
  /** Whether a caller may know of this resource, which it once subscribed to. */
  mayHearOf(uri: string, principal: Principal): boolean
}

type Headers = Readonly<Record<string, string>>
/** `unknown`: nothing is known of the stream, or what the client missed is gone. `away`: nobody can say just now. */
export type Resumed = 'resumed' | 'over' | 'unknown' | 'full' | 'away'

/**
 * The streams of sessions on this node: those that answer a POST, and those that a GET opened for what belongs to no
 * request. A client whose connection broke comes back to either with `Last-Event-ID`. One that comes back to another node takes
 * its GET stream along; the answer to a POST stays with its call, and is followed from there.
 */
export class SessionStreams implements Bounded {
  readonly log: EventLog
  readonly left: BoundedMap<string, SessionStream>
  readonly #options: SessionStreamsOptions
  /** Those with a connection, by their id. */
  readonly #attached = new Map<string, SessionStream>()
  /** Those that a GET opened, by session, newest last. */
  readonly #standalone = new Map<string, SessionStream[]>()
  /** What a GET opened or came back to. */
  readonly #bySink = new WeakMap<ReplySink, { leave(sink: ReplySink): void }>()
  readonly #shared: SharedStreams | undefined
  /** Streams of calls on other nodes; each has a connection that a GET opened. */
  readonly #followed = new Set<FollowedStream>()
  #openByGet = 0
  #refused = 0
  #closed = false
  #listening = false

  constructor(options: SessionStreamsOptions) {
    this.#options = options
    this.log = new EventLog(options.maxLogBytes)
    this.left = new BoundedMap('streams without a connection (HTTP)', maxLeft)
    const { events: store, bus, clock, logger } = options
    this.#shared =
      store &&
      new SharedStreams({
        store,
        bus,
        clock,
        logger,
        onTaken: (session, stream) => this.#taken(session, stream),
        onLate: (session, stream, message) => void this.#known(session, stream)?.send(message),
      })
  }

  /** The stream that answers one POST; it takes no connection before it has something to write. */
  forAnswer(session: Session, sink: ReplySink, headers: Headers): SessionStream {
    const stream = this.#make(answerId(), session)
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

  /** Takes a client back to its stream, wherever it was. */
  async resume(
    lastEventId: string,
    session: Session,
    principal: Principal,
    sink: ReplySink,
    headers: Headers,
  ): Promise<Resumed> {
    const seen = readEventId(lastEventId)
    if (seen === undefined) return 'unknown'
    if (!this.#admit(sink, principal)) return 'full'
    const stream = this.#known(session.key, seen.stream)
    const here = stream?.resume(seen.sequence, sink, headers) ?? 'lost'
    if (stream !== undefined && here !== 'lost') {
      this.#resumed(stream, principal, sink)
      return here
    }
    const elsewhere = await this.#resumeElsewhere(seen, session, principal, sink, headers)
    // A new stream for news does as well as a lost one; an answer that is gone does not come by waiting for it.
    if (elsewhere !== 'unknown' || !isStandalone(seen.stream)) return elsewhere
    this.#start(session, principal, sink, headers)
    return 'resumed'
  }

  async #resumeElsewhere(
    seen: EventId,
    session: Session,
    principal: Principal,
    sink: ReplySink,
    headers: Headers,
  ): Promise<Resumed> {
    const shared = this.#shared
    if (shared === undefined) return 'unknown'
    const { stream: id, sequence } = seen
    try {
      if (isStandalone(id)) {
        const kept = await shared.take(session.key, id, sequence)
        if (kept === undefined) return 'unknown'
        const last = Math.max(sequence, kept.events.at(-1)?.sequence ?? 0)
        const stream = this.#known(session.key, id) ?? this.#adopt(session, id, last)
        stream.goOn(kept.events, sink, headers)
        this.#resumed(stream, principal, sink)
        return 'resumed'
      }
      const kept = await shared.after(session.key, id, sequence)
      if (kept === undefined) return 'unknown'
      if (kept.ended && kept.events.length === 0) return 'over'
      const { primes } = session.dialect.revision.http
      const followed = new FollowedStream({ session: session.key, seen, primes, shared, sink, headers })
      this.#followed.add(followed)
      this.#bySink.set(sink, followed)
      followed.begin(kept)
      return 'resumed'
    } catch (error) {
      shared.failed(error)
      return 'away'
    }
  }

  /** Another session's stream is as unknown as none. */
  #known(session: string, id: string): SessionStream | undefined {
    const known = this.#attached.get(id) ?? this.left.peek(id)
    return known?.session === session ? known : undefined
  }

  #resumed(stream: SessionStream, principal: Principal, sink: ReplySink): void {
    stream.principal = principal
    this.#bySink.set(sink, stream)
    if (!stream.attached) return
    this.left.delete(stream.id)
    this.#attached.set(stream.id, stream)
  }

  /** Goes on with a stream for news that another node began. */
  #adopt(session: Session, id: string, last: number): SessionStream {
    this.#listen()
    const stream = this.#make(id, session, last)
    this.#addStandalone(stream)
    return stream
  }

  /** A client has come back to another node. A stream for news is that node's now; an answer is still made here. */
  #taken(session: string, id: string): void {
    const stream = this.#known(session, id)
    if (stream === undefined) return
    if (!isStandalone(id)) {
      stream.follow()
      return
    }
    this.#options.tell(session)
    stream.drop()
    this.#attached.delete(id)
    this.#forget(stream)
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
    for (const stream of [...this.#followed]) if (stream.session === session) stream.leave()
  }

  /** Ends every stream that waits for nothing but news or for another node, and takes no more. */
  close(): void {
    this.#closed = true
    for (const streams of [...this.#standalone.values()]) for (const stream of [...streams]) stream.finish()
    for (const stream of [...this.#followed]) stream.leave()
  }

  /** Resolves when other nodes can read all that was sent until now, or nobody can tell them. */
  async settled(): Promise<void> {
    await Promise.all([...this.#attached.values(), ...this.left.values()].map((stream) => stream.settled()))
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
    const stream = this.#make(standaloneId(), session)
    this.#addStandalone(stream)
    stream.attach(sink, headers)
    stream.open()
    this.#resumed(stream, principal, sink)
  }

  #addStandalone(stream: SessionStream): void {
    const { session } = stream
    const streams = this.#standalone.get(session) ?? []
    if (streams.length >= maxPerSession) streams[0]?.finish()
    this.#standalone.set(session, [...(this.#standalone.get(session) ?? []), stream])
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
      const stream = this.#bySink.get(sink)
      if (stream instanceof FollowedStream) this.#followed.delete(stream)
    })
    return true
  }

  #make(id: string, session: Session, last = 0): SessionStream {
    const stream: SessionStream = new SessionStream({
      id,
      session: session.key,
      last,
      writer: this.#shared?.writer(session.key, id, () => this.#taken(session.key, id)),
      log: this.log,
      primes: session.dialect.revision.http.primes,
      onDetached: (stream) => this.#leave(stream),
      onFinished: (stream) => {
        this.#removeStandalone(stream)
        this.#leave(stream)
      },
    })
    return stream
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

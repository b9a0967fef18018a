import { BoundedMap } from '../contracts/bounded-map.js'
import type { Bus } from '../contracts/bus.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import { type Principal, principalKey } from '../contracts/principal.js'
import type { Sealer } from '../contracts/sealer.js'
import type { Store } from '../contracts/store.js'
import type { Discovery, Opening } from '../engine/discovery.js'
import type { ClientState } from '../engine/exchange.js'
import type { PeerRecord } from '../engine/peers.js'
import type { Session, Sessions } from '../engine/session.js'
import type { Stats } from '../engine/stats.js'
import { isRecord } from '../protocol/json-rpc.js'
import { isLogSeverity } from '../protocol/log-level.js'
import type { ClientCapabilities } from '../protocol/types.js'
import { EndedSessions } from './ended-sessions.js'

/** Clients take a new id only from `initialize`, so it cannot slide; a day outlasts a working session. */
const lifetimeMs = 24 * 60 * 60 * 1000
const maxOpened = 10_000
const maxRecords = 10_000
/** Different clients, as they say of themselves; a fleet of users has a handful. */
const maxClients = 256
const topic = 'holdfast:sessions'
/** What a client says of itself beyond these lengths is not worth carrying in every request. */
const maxNameLength = 24
const purpose = 'session'

export interface SealedSessionsOptions {
  readonly sealer: Sealer
  readonly discovery: Discovery
  readonly clock: Clock
  readonly stats: Stats
  readonly bus: Bus
  readonly logger: Logger
  /** Where the nodes of a fleet remember which sessions were ended. Default: each knows those that it heard of. */
  readonly ended?: Store | undefined
}

/** The session's facts as they are sealed: short keys, because the id travels with every request. */
interface Facts {
  readonly v: string
  readonly c: number
  readonly p: string
  readonly t: number
  readonly n?: string
  readonly i?: string
  /** Makes two sessions of one client different. */
  readonly r: string
}

/** What the nodes of a fleet tell each other about sessions. */
interface News {
  /** The node that says it. */
  readonly from: string
  readonly key: string
  /** When the session began, if it was ended. */
  readonly ended?: number
  readonly record?: PeerRecord
}

/** One object for each: there may be ten thousand. */
interface Opened extends Session {
  readonly principal: string
  readonly begunAt: number
}

/** The capabilities that a session keeps, as bits; a new one takes the next free bit and none is reused. */
const capabilityBits: readonly (readonly [bit: number, path: readonly string[]])[] = [
  [1, ['elicitation']],
  [2, ['elicitation', 'form']],
  [4, ['elicitation', 'url']],
  [8, ['sampling']],
  [16, ['sampling', 'tools']],
  [32, ['sampling', 'context']],
  [64, ['roots']],
]

/**
 * Sessions that cost no memory: the id itself says, sealed, what was negotiated, by whom and until when. It
 * survives restarts and load balancers. The specification forbids to take a session for authentication, so
 * an id opens only for the principal that it was given to.
 */
export class SealedSessions implements Sessions {
  readonly #options: SealedSessionsOptions
  /** Opening an id costs two cryptographic calls, so the ids in use are kept. */
  readonly #opened = new BoundedMap<string, Opened>('sessions, opened', maxOpened)
  readonly #ended: EndedSessions
  /** Log levels and subscriptions: few sessions have any, and those that were used least recently lose theirs. */
  readonly #records = new BoundedMap<string, PeerRecord>('sessions, changed since', maxRecords)
  /** Sessions of the same client share what it said. */
  readonly #clients = new BoundedMap<string, ClientState>('clients of sessions', maxClients)
  /** An authenticator gives the same object for the same credential, so that its digest need not be made again. */
  readonly #digests = new WeakMap<Principal, string>()
  readonly #node = crypto.randomUUID()

  constructor(options: SealedSessionsOptions) {
    this.#options = options
    this.#ended = new EndedSessions({ store: options.ended, logger: options.logger })
    options.stats.add(this.#opened)
    options.stats.add(this.#ended.known)
    options.stats.add(this.#records)
    options.stats.add(this.#clients)
    options.bus.subscribe(topic, (message) => this.#hear(message))
  }

  async create(opening: Opening, principal: Principal): Promise<string> {
    const { info, capabilities } = opening.client
    const facts: Facts = {
      v: opening.dialect.revision.version,
      c: toBits(capabilities),
      p: await digest(principalKey(principal)),
      t: this.#options.clock.now(),
      r: randomKey(),
      ...(info && { n: shorten(info.name), i: shorten(info.version) }),
    }
    return this.#options.sealer.seal(purpose, JSON.stringify(facts))
  }

  open(id: string, principal: Principal): Session | undefined | Promise<Session | undefined> {
    // While nothing is about to be evicted, the order of use need not be kept.
    const known = this.#opened.size * 2 < maxOpened ? this.#opened.peek(id) : this.#opened.get(id)
    const whose = principal.kind === 'anonymous' ? '' : this.#digests.get(principal)
    // The usual call waits for nothing: its id was opened before, and its caller was told from others before.
    if (known === undefined || whose === undefined) return this.#openFor(id, principal)
    return known.principal === whose && !this.#isOver(known) ? known : undefined
  }

  async #openFor(id: string, principal: Principal): Promise<Session | undefined> {
    const known = this.#opened.get(id) ?? (await this.#unseal(id))
    if (known === undefined || this.#isOver(known)) return undefined
    const whose = await digest(principalKey(principal))
    this.#digests.set(principal, whose)
    return known.principal === whose ? known : undefined
  }

  async end(session: Session): Promise<void> {
    const known = this.#opened.get(session.id)
    const begun = known?.begunAt ?? this.#options.clock.now()
    this.#opened.delete(session.id)
    this.#over(session.key, begun)
    this.#tell({ key: session.key, ended: begun })
    await this.#ended.keep(session.key, begun + lifetimeMs - this.#options.clock.now())
  }

  record(key: string): PeerRecord | undefined {
    return this.#records.peek(key)
  }

  change(key: string, record: PeerRecord): void {
    this.#keep(key, record)
    this.#tell({ key, record })
  }

  #keep(key: string, record: PeerRecord): void {
    if (record.level === undefined && record.uris.length === 0) this.#records.delete(key)
    else this.#records.set(key, record)
  }

  #over(key: string, begun: number): void {
    this.#records.delete(key)
    this.#ended.add(key, begun)
  }

  /** A node that does not hear of it serves on what it knows; the session's own node is not held up by that. */
  #tell(news: Omit<News, 'from'>): void {
    const { bus, logger } = this.#options
    const message = JSON.stringify({ from: this.#node, ...news })
    const failed = (error: unknown): void => {
      logger.error('The bus did not take what a session changed; other nodes do not know of it.', { error })
    }
    try {
      Promise.resolve(bus.publish(topic, message)).catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #hear(message: string): void {
    const news = readNews(message)
    if (news === undefined || news.from === this.#node) return
    if (news.ended !== undefined) this.#over(news.key, news.ended)
    else if (news.record !== undefined) this.#keep(news.key, news.record)
  }

  #isOver({ key, begunAt }: Opened): boolean {
    const now = this.#options.clock.now()
    return begunAt + lifetimeMs <= now || this.#ended.has(key, begunAt)
  }

  async #unseal(id: string): Promise<Opened | undefined> {
    if (id.length > 512) return undefined
    const data = await this.#options.sealer.open(purpose, id)
    const facts = data === undefined ? undefined : readFacts(data)
    if (facts === undefined) return undefined
    // A revision may have been switched off since the id was given out.
    const dialect = this.#options.discovery.dialect(facts.v)
    if (dialect === undefined) return undefined
    const client = this.#client(facts)
    const opened: Opened = { id, key: facts.r, dialect, client, principal: facts.p, begunAt: facts.t }
    // Once for each id: from then on this node is told. While nobody can say, the next request asks again.
    const ended = this.#isOver(opened) || (await this.#ended.ask(opened.key, opened.begunAt))
    if (ended !== undefined) this.#opened.set(id, opened)
    return opened
  }

  #client({ c, n, i }: Facts): ClientState {
    const key = JSON.stringify([c, n, i])
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const info = n === undefined ? undefined : { name: n, version: i ?? '' }
    const client = { info, capabilities: fromBits(c) }
    this.#clients.set(key, client)
    return client
  }
}

/** 72 bits, as 12 characters: enough that no two sessions share one. */
function randomKey(): string {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(9))))
}

/** Control characters and halves of pairs become six characters each in JSON, and an id has 512 at most. */
function shorten(text: string): string {
  return text.slice(0, maxNameLength).replace(/[\p{Cc}\p{Cs}]/gu, '')
}

function readFacts(data: string): Facts | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return isFacts(value) ? value : undefined
  } catch {
    // Sealed with our key, so another version of ours wrote it.
    return undefined
  }
}

function readNews(message: string): News | undefined {
  let value: unknown
  try {
    value = JSON.parse(message)
  } catch {
    return undefined
  }
  if (!isRecord(value) || typeof value['key'] !== 'string' || typeof value['from'] !== 'string') {
    return undefined
  }
  const { from, key, ended, record } = value
  if (typeof ended === 'number') return { from, key, ended }
  if (!isRecord(record) || !Array.isArray(record['uris'])) return undefined
  const uris = record['uris'].filter((uri) => typeof uri === 'string')
  return { from, key, record: { uris, ...(isLogSeverity(record['level']) && { level: record['level'] }) } }
}

function isFacts(value: unknown): value is Facts {
  return (
    isRecord(value) &&
    typeof value['v'] === 'string' &&
    typeof value['c'] === 'number' &&
    typeof value['p'] === 'string' &&
    typeof value['t'] === 'number' &&
    typeof value['r'] === 'string'
  )
}

function toBits(capabilities: ClientCapabilities): number {
  let bits = 0
  for (const [bit, path] of capabilityBits) {
    let at: unknown = capabilities
    for (const key of path) at = isRecord(at) ? at[key] : undefined
    // Null and the like declare nothing.
    if (isRecord(at)) bits |= bit
  }
  return bits
}

function fromBits(bits: number): ClientCapabilities {
  const capabilities: Record<string, Record<string, unknown>> = {}
  for (const [bit, [group, detail]] of capabilityBits) {
    if ((bits & bit) === 0 || group === undefined) continue
    capabilities[group] ??= {}
    if (detail !== undefined) capabilities[group][detail] = {}
  }
  return capabilities
}

/** Enough of a SHA-256 to tell principals apart. The id is sealed, but need not carry a name at all. */
async function digest(key: string): Promise<string> {
  if (key === '') return ''
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)))
  return btoa(String.fromCharCode(...hash.subarray(0, 16)))
}

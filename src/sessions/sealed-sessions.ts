import { BoundedMap } from '../contracts/bounded-map.js'
import type { Clock } from '../contracts/clock.js'
import { type Principal, principalKey } from '../contracts/principal.js'
import type { Sealer } from '../contracts/sealer.js'
import type { Discovery, Opening } from '../engine/discovery.js'
import type { Session, Sessions } from '../engine/session.js'
import type { Stats } from '../engine/stats.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { ClientCapabilities } from '../protocol/types.js'

/** Clients take a new id only from `initialize`, so it cannot slide; a day outlasts a working session. */
const lifetimeMs = 24 * 60 * 60 * 1000
const maxOpened = 10_000
const maxEnded = 10_000
/** What a client says of itself beyond these lengths is not worth carrying in every request. */
const maxNameLength = 24
const purpose = 'session'

export interface SealedSessionsOptions {
  readonly sealer: Sealer
  readonly discovery: Discovery
  readonly clock: Clock
  readonly stats: Stats
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

interface Opened {
  readonly session: Session
  readonly facts: Facts
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
  readonly #ended = new BoundedMap<string, number>('sessions, ended', maxEnded)
  /** Sessions from before this time are over: raised when the list of ended ones had to forget one. */
  #watermark = 0

  constructor(options: SealedSessionsOptions) {
    this.#options = options
    options.stats.add(this.#opened)
    options.stats.add(this.#ended)
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
    // The usual call waits for nothing: its id was opened before, and nobody has to be told from anybody.
    if (known === undefined || principal.kind !== 'anonymous') return this.#openFor(id, principal)
    return known.facts.p === '' && !this.#over(known) ? known.session : undefined
  }

  async #openFor(id: string, principal: Principal): Promise<Session | undefined> {
    const known = this.#opened.get(id) ?? (await this.#unseal(id))
    if (known === undefined || this.#over(known)) return undefined
    return known.facts.p === (await digest(principalKey(principal))) ? known.session : undefined
  }

  end(session: Session): void {
    const known = this.#opened.get(session.id)
    this.#opened.delete(session.id)
    const forgotten = this.#ended.set(session.key, known?.facts.t ?? this.#options.clock.now())
    if (forgotten !== undefined) this.#watermark = Math.max(this.#watermark, forgotten + 1)
  }

  #over({ session, facts }: Opened): boolean {
    const now = this.#options.clock.now()
    return (
      facts.t + lifetimeMs <= now || facts.t < this.#watermark || this.#ended.peek(session.key) !== undefined
    )
  }

  async #unseal(id: string): Promise<Opened | undefined> {
    if (id.length > 512) return undefined
    const data = await this.#options.sealer.open(purpose, id)
    const facts = data === undefined ? undefined : readFacts(data)
    if (facts === undefined) return undefined
    // A revision may have been switched off since the id was given out.
    const dialect = this.#options.discovery.dialect(facts.v)
    if (dialect === undefined) return undefined
    const info = facts.n === undefined ? undefined : { name: facts.n, version: facts.i ?? '' }
    const client = { info, capabilities: fromBits(facts.c) }
    const opened: Opened = { session: { id, key: facts.r, dialect, client }, facts }
    this.#opened.set(id, opened)
    return opened
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
    if (at !== undefined) bits |= bit
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

import type { BoundedRegistry } from '../contracts/bounded.js'
import { BoundedMap } from '../contracts/bounded-map.js'
import type { Principal } from '../contracts/principal.js'
import type { Sealer } from '../contracts/sealer.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { Access } from './access.js'
import { Audience } from './audience.js'
import type { CacheHint, Dialect } from './dialect.js'
import type { Exchange } from './exchange.js'

/** How long a client may keep a list. Short, because a list may change while serving and not every client is told. */
export const listTtlMs = 60_000

export interface ListSource<Entry> {
  /** The member of the result that holds the items: `tools`, `resources`... */
  readonly member: string
  /** Grows when the list changes. */
  version(): number
  entries(): readonly Entry[]
  key(entry: Entry): string
  /** Who sees it; undefined: everyone. */
  access(entry: Entry): Access | undefined
  encode(dialect: Dialect, entry: Entry): object
}

export interface ListOptions {
  readonly sealer: Sealer
  readonly pageSize: number
  /** Milliseconds that clients may keep a page. */
  readonly ttlMs: number
  /** `private` where each caller's list is its own. Default: `public`, as long as every caller sees the same. */
  readonly scope?: 'private'
  /** Where it shows how many kinds of callers it keeps pages for; left out for a list that is made once. */
  readonly stats?: BoundedRegistry
}

/** What a cursor says once it is opened: after which entry to go on, and where that was. */
interface Position {
  readonly after: string
  readonly index: number
}

/** Pages as they were made, by revision and first entry. */
type Pages = Map<Dialect, Map<number, string>>

/** Kinds of callers, by what they were granted, whose pages are kept at once. */
const maxAudiences = 100

/**
 * One kind of list as text, made once per revision, page and kind of caller, and kept until the list changes: a list costs
 * what sending its bytes costs. The pages of a version are bounded by the list itself.
 */
export class PagedList<Entry> {
  readonly #source: ListSource<Entry>
  readonly #options: ListOptions
  readonly #audience: Audience<Seen<Entry>>
  readonly #pages: BoundedMap<string, Pages>
  #seen: readonly Seen<Entry>[] = []
  #seenVersion = -1
  #version = -1

  constructor(source: ListSource<Entry>, options: ListOptions) {
    this.#source = source
    this.#options = options
    this.#pages = new BoundedMap(`lists kept (${source.member})`, maxAudiences)
    options.stats?.add(this.#pages)
    this.#audience = new Audience({ version: source.version, entries: () => this.#entries() })
  }

  /** @throws ProtocolError (invalid_params) for a cursor that this server did not give out for this list. */
  answer({ dialect, params, principal }: Exchange): string | Promise<string> {
    const cursor = params['cursor']
    if (cursor !== undefined) return this.#later(dialect, cursor, principal)
    const key = this.#audience.keyOf(principal)
    return this.#kept(dialect, 0, key) ?? this.#make(dialect, 0, key, this.#audience.entriesFor(principal))
  }

  async #later(dialect: Dialect, cursor: unknown, principal: Principal): Promise<string> {
    const position = await this.#open(cursor)
    // Taken together and after the wait: what changed meanwhile must not be kept as what is now.
    const entries = this.#audience.entriesFor(principal)
    const key = this.#audience.keyOf(principal)
    const start = this.#startAfter(position, entries)
    return this.#kept(dialect, start, key) ?? (await this.#make(dialect, start, key, entries))
  }

  #kept(dialect: Dialect, start: number, key: string): string | undefined {
    if (this.#version !== this.#source.version()) return undefined
    // While nothing is about to be evicted, the order of use need not be kept.
    const pages = this.#pages.size * 2 < maxAudiences ? this.#pages.peek(key) : this.#pages.get(key)
    return pages?.get(dialect)?.get(start)
  }

  async #make(
    dialect: Dialect,
    start: number,
    key: string,
    entries: readonly Seen<Entry>[],
  ): Promise<string> {
    const version = this.#source.version()
    const { pageSize, sealer, ttlMs } = this.#options
    const end = start + pageSize
    const items = entries.slice(start, end).map(({ entry }) => this.#source.encode(dialect, entry))
    let members = `"${this.#source.member}":${JSON.stringify(items)}`
    const cache: CacheHint = { ttlMs, scope: this.#scope }
    const last = entries[end - 1]
    if (last !== undefined && end < entries.length) {
      const position: Position = { after: this.#source.key(last.entry), index: end }
      const next = await sealer.seal(this.#purpose, JSON.stringify(position))
      members += `,"nextCursor":${JSON.stringify(next)}`
    }
    const text = dialect.result(members, { cache })
    this.#keep(version, dialect, start, key, text)
    return text
  }

  /** Every page says the same of who may keep it, whatever this caller sees (2026-07-28, server/utilities/caching). */
  get #scope(): CacheHint['scope'] {
    return this.#options.scope ?? (this.#audience.restricted ? 'private' : 'public')
  }

  #entries(): readonly Seen<Entry>[] {
    const version = this.#source.version()
    if (this.#seenVersion !== version) {
      this.#seen = this.#source.entries().map((entry) => ({ entry, access: this.#source.access(entry) }))
      this.#seenVersion = version
    }
    return this.#seen
  }

  #keep(version: number, dialect: Dialect, start: number, key: string, text: string): void {
    if (version !== this.#source.version()) return
    if (this.#version !== version) {
      this.#pages.clear()
      this.#version = version
    }
    // A cursor can start anywhere that once was a border; only real borders are worth keeping.
    if (start % this.#options.pageSize !== 0) return
    const pages = this.#pages.peek(key) ?? new Map<Dialect, Map<number, string>>()
    if (pages.size === 0) this.#pages.set(key, pages)
    const ofDialect = pages.get(dialect) ?? new Map<number, string>()
    pages.set(dialect, ofDialect.set(start, text))
  }

  async #open(cursor: unknown): Promise<Position> {
    const opened =
      typeof cursor === 'string' ? await this.#options.sealer.open(this.#purpose, cursor) : undefined
    const position: unknown = opened === undefined ? undefined : JSON.parse(opened)
    if (
      !isRecord(position) ||
      typeof position['after'] !== 'string' ||
      typeof position['index'] !== 'number'
    ) {
      throw new ProtocolError(
        'invalid_params',
        `"cursor" is none that this server gave out for this list; leave it out to start from the beginning.`,
      )
    }
    return { after: position['after'], index: position['index'] }
  }

  #startAfter({ after, index }: Position, entries: readonly Seen<Entry>[]): number {
    const there = entries[index - 1]
    if (there !== undefined && this.#source.key(there.entry) === after) return index
    // The list changed since: go on after the same entry, or where it was when it is gone.
    const found = entries.findIndex(({ entry }) => this.#source.key(entry) === after)
    return found === -1 ? Math.min(index, entries.length) : found + 1
  }

  get #purpose(): string {
    return `cursor:${this.#source.member}`
  }
}

/** An entry with who sees it. */
interface Seen<Entry> {
  readonly entry: Entry
  readonly access: Access | undefined
}

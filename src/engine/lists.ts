import type { Sealer } from '../contracts/sealer.js'
import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { CacheHint, Dialect } from './dialect.js'

/** How long a client may keep a list. Short, because a list may change while serving and not every client is told. */
export const listTtlMs = 60_000

export interface ListSource<Entry> {
  /** The member of the result that holds the items: `tools`, `resources`... */
  readonly member: string
  /** Grows when the list changes. */
  version(): number
  entries(): readonly Entry[]
  key(entry: Entry): string
  encode(dialect: Dialect, entry: Entry): object
}

interface Page {
  readonly text: string
}

/** What a cursor says once it is opened: after which entry to go on, and where that was. */
interface Position {
  readonly after: string
  readonly index: number
}

/**
 * One kind of list as text, made once per revision and page and kept until the list changes: a list costs
 * what sending its bytes costs. The pages of a version are bounded by the list itself.
 */
export class PagedList<Entry> {
  readonly #source: ListSource<Entry>
  readonly #sealer: Sealer
  readonly #pageSize: number
  readonly #cache: CacheHint
  readonly #pages = new Map<Dialect, Map<number, Page>>()
  #version = -1

  constructor(source: ListSource<Entry>, options: { sealer: Sealer; pageSize: number; cache: CacheHint }) {
    this.#source = source
    this.#sealer = options.sealer
    this.#pageSize = options.pageSize
    this.#cache = options.cache
  }

  /** @throws ProtocolError (invalid_params) for a cursor that this server did not give out for this list. */
  answer(dialect: Dialect, cursor: unknown): string | Promise<string> {
    if (cursor === undefined) {
      return this.#kept(dialect, 0) ?? this.#make(dialect, 0)
    }
    return this.#later(dialect, cursor)
  }

  async #later(dialect: Dialect, cursor: unknown): Promise<string> {
    const start = await this.#open(cursor)
    return this.#kept(dialect, start) ?? (await this.#make(dialect, start))
  }

  #kept(dialect: Dialect, start: number): string | undefined {
    if (this.#version !== this.#source.version()) return undefined
    return this.#pages.get(dialect)?.get(start)?.text
  }

  async #make(dialect: Dialect, start: number): Promise<string> {
    const version = this.#source.version()
    const entries = this.#source.entries()
    const end = start + this.#pageSize
    const items = entries.slice(start, end).map((entry) => this.#source.encode(dialect, entry))
    let members = `"${this.#source.member}":${JSON.stringify(items)}`
    const last = entries[end - 1]
    if (last !== undefined && end < entries.length) {
      const position: Position = { after: this.#source.key(last), index: end }
      const next = await this.#sealer.seal(this.#purpose, JSON.stringify(position))
      members += `,"nextCursor":${JSON.stringify(next)}`
    }
    const text = dialect.result(members, { cache: this.#cache })
    this.#keep(version, dialect, start, text)
    return text
  }

  #keep(version: number, dialect: Dialect, start: number, text: string): void {
    if (version !== this.#source.version()) return
    if (this.#version !== version) {
      this.#pages.clear()
      this.#version = version
    }
    let pages = this.#pages.get(dialect)
    if (pages === undefined) {
      pages = new Map()
      this.#pages.set(dialect, pages)
    }
    // A cursor can start anywhere that once was a border; only real borders are worth keeping.
    if (start % this.#pageSize === 0) pages.set(start, { text })
  }

  async #open(cursor: unknown): Promise<number> {
    const opened = typeof cursor === 'string' ? await this.#sealer.open(this.#purpose, cursor) : undefined
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
    const { after, index } = position
    const entries = this.#source.entries()
    const there = entries[index - 1]
    if (there !== undefined && this.#source.key(there) === after) return index
    // The list changed since: go on after the same entry, or where it was when it is gone.
    const found = entries.findIndex((entry) => this.#source.key(entry) === after)
    return found === -1 ? Math.min(index, entries.length) : found + 1
  }

  get #purpose(): string {
    return `cursor:${this.#source.member}`
  }
}

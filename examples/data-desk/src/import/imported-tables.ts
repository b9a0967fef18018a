import type { BoundedStats } from 'holdfast'
import type { Dataset } from '../data/open-database.js'
import { sqlName } from '../data/table-names.js'
import { csvRecords } from './csv-records.js'
import { downloadText, type Fetch } from './download-text.js'
import { fileNameOf } from './file-name.js'
import type { ImportLimits } from './import-limits.js'
import { ImportRefusal } from './import-refusal.js'
import type { LoadedTable } from './load-csv.js'

export interface ImportRequest {
  readonly url: string
  /** The table's name: `[a-z][a-z0-9_]*`. */
  readonly name: string
  readonly fetch: Fetch
  readonly signal?: AbortSignal
  /** Told how much has come; `total` where it is known. Default: nobody is told. */
  readonly onBytes?: (bytes: number, total: number | undefined) => Promise<void>
}

export interface ImportedTable extends Dataset {
  /** When the table goes, in ms since 1970. */
  readonly expires: number
  /** About what it takes of the memory, in bytes. */
  readonly bytes: number
}

/** Where the tables are. */
export interface ImportStorage {
  /** Removes a table, unless it has been replaced by its turn: `isGone` says so. Rejects when it is in use for long. */
  drop(caller: string, name: string, isGone: () => boolean): Promise<void>
  /** The caller has no tables and no import any more. */
  release(caller: string): void
  /** Ends what runs there, and drops everything. */
  close(): void | Promise<void>
}

/**
 * Makes a table of these records, of which the first is the header, in the place of an earlier one of its name. When it fails,
 * nothing is left, and the earlier one stays.
 */
export type LoadTable = (
  records: AsyncGenerator<readonly string[]>,
  signal: AbortSignal,
) => Promise<LoadedTable>

export interface ImportedTablesOptions {
  readonly storage: ImportStorage
  readonly limits: ImportLimits
  /** Memory for all imported tables, in bytes. */
  readonly memoryBytes: number
  /** Names that imports may not take. */
  readonly reserved: ReadonlySet<string>
  readonly keywords: ReadonlySet<string>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What a value costs in DuckDB's memory beside its text, measured with one-letter cells. */
const bytesPerCell = 12
const sweepMs = 60_000

/**
 * The tables that callers imported: each caller's own, bounded in number and size, and gone after a while. A caller
 * is any string; who sees which is decided by it alone.
 */
export class ImportedTables {
  readonly #options: ImportedTablesOptions
  /** By caller and name; no more of them than the limits allow. */
  readonly #tables = new Map<string, Map<string, ImportedTable>>()
  readonly #running = new Map<string, AbortController>()
  readonly #timer: NodeJS.Timeout
  #refused = 0
  #closed = false

  constructor(options: ImportedTablesOptions) {
    this.#options = options
    this.#timer = setInterval(() => this.#sweep(), sweepMs)
    this.#timer.unref()
  }

  /** The caller's tables that have not expired, by name in alphabetical order. */
  visibleTo(caller: string): ReadonlyMap<string, ImportedTable> {
    const now = this.#options.now()
    const tables = [...(this.#tables.get(caller) ?? [])]
    return new Map(tables.filter(([, table]) => table.expires > now).sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /**
   * Downloads a CSV file into a table of the caller's own. One of the same name is replaced once the new one is
   * complete; a failed import leaves everything as it was.
   * @throws {ImportRefusal} that says why not; what `fetch` rejects with; {@link QueryRefusal} `desk_busy` when
   *   the caller's queries leave it no turn
   */
  async import(caller: string, request: ImportRequest, load: LoadTable): Promise<ImportedTable> {
    this.#sweep()
    const { signal } = request
    if (signal?.aborted === true) throw new ImportRefusal('cancelled', 'The call was cancelled.')
    const refusal = this.#refusalOf(caller, request.name)
    if (refusal !== undefined) {
      this.#refused += 1
      throw refusal
    }
    const controller = new AbortController()
    this.#running.set(caller, controller)
    const { durationMs } = this.#options.limits
    const timer = setTimeout(() => {
      const message = `The import took longer than ${durationMs / 1000} s and was stopped.`
      controller.abort(
        new ImportRefusal('import_timeout', message, 'Look for a smaller file or a faster server.'),
      )
    }, durationMs)
    const onAbort = (): void => controller.abort(new ImportRefusal('cancelled', 'The call was cancelled.'))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.#load(caller, request, load, controller.signal)
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error
    } finally {
      // A download that was not read to its end ends here.
      controller.abort()
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      this.#running.delete(caller)
      this.#releaseIfEmpty(caller)
      this.#sweep()
    }
  }

  /** What is held and running, against the limits; `dropped` counts refused imports. */
  stats(): BoundedStats[] {
    const { limits, memoryBytes } = this.#options
    const dropped = this.#refused
    return [
      { name: 'imports', size: this.#running.size, limit: limits.running, unit: 'entries', dropped },
      { name: 'imported tables', size: this.#held().length, limit: limits.tables, unit: 'entries', dropped },
      { name: 'imported bytes', size: this.#heldBytes(), limit: memoryBytes, unit: 'bytes', dropped },
    ]
  }

  /** Ends running imports and drops all tables. */
  close(): void | Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    for (const controller of this.#running.values()) {
      controller.abort(new ImportRefusal('cancelled', 'The server is shutting down.'))
    }
    this.#tables.clear()
    return this.#options.storage.close()
  }

  #held(): ImportedTable[] {
    return [...this.#tables.values()].flatMap((tables) => [...tables.values()])
  }

  #heldBytes(): number {
    return this.#held().reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #refusalOf(caller: string, name: string): ImportRefusal | undefined {
    const { limits, memoryBytes, reserved } = this.#options
    if (this.#closed) return new ImportRefusal('cancelled', 'The server is shutting down.')
    if (reserved.has(name)) {
      return new ImportRefusal('name_taken', `The name ${name} is taken.`, 'Choose another name.')
    }
    if (this.#running.has(caller)) {
      return new ImportRefusal('import_running', 'Another import of yours is running.', 'Wait for it to end.')
    }
    if (this.#running.size >= limits.running) {
      return new ImportRefusal(
        'import_running',
        `${limits.running} imports are running.`,
        'Try again in a moment.',
      )
    }
    const own = this.visibleTo(caller)
    const replaces = own.has(name)
    if (!replaces && own.size >= limits.tablesPerCaller) {
      const names = [...own.keys()].join(', ')
      const first = new Date(Math.min(...[...own.values()].map(({ expires }) => expires))).toISOString()
      return new ImportRefusal(
        'quota_reached',
        `You have ${own.size} imported datasets, and may have ${limits.tablesPerCaller}.`,
        `Import under one of their names to replace it (${names}); the first expires at ${first}.`,
      )
    }
    const tables = this.#held().length + this.#running.size
    if ((!replaces && tables >= limits.tables) || this.#heldBytes() >= memoryBytes) {
      return new ImportRefusal('desk_full', 'There is no room for another table now.', 'Try again later.')
    }
    return undefined
  }

  async #load(
    caller: string,
    request: ImportRequest,
    load: LoadTable,
    signal: AbortSignal,
  ): Promise<ImportedTable> {
    const { limits, keywords, now } = this.#options
    const { url, name, fetch, onBytes } = request
    let bytes = 0
    const chunks = downloadText(url, {
      fetch,
      maxBytes: limits.bytes,
      signal,
      onBytes: async (count, total) => {
        bytes = count
        await onBytes?.(count, total)
      },
    })
    const { rows, columns } = await load(csvRecords(chunks, limits), signal)
    const table: ImportedTable = {
      name,
      sql: sqlName(name, keywords),
      file: fileNameOf(url),
      rows,
      columns,
      expires: now() + limits.lifetimeMs,
      bytes: bytes + rows * columns.length * bytesPerCell,
    }
    if (this.#closed) throw signal.reason
    const own = this.#tables.get(caller) ?? new Map<string, ImportedTable>()
    this.#tables.set(caller, own.set(name, table))
    return table
  }

  /** Drops what has expired. A caller who imports is left for the next time, so that no table is dropped that was just replaced. */
  #sweep(): void {
    const now = this.#options.now()
    for (const [caller, tables] of this.#tables) {
      for (const [name, table] of tables) {
        // A table that is in use is no error: it cannot be seen any more, and the next sweep comes.
        if (table.expires <= now) this.#drop(caller, name, table).catch(() => {})
      }
    }
  }

  async #drop(caller: string, name: string, table: ImportedTable): Promise<void> {
    const isGone = (): boolean => this.#running.has(caller) || this.#tables.get(caller)?.get(name) !== table
    if (isGone()) return
    await this.#options.storage.drop(caller, name, isGone)
    if (isGone()) return
    this.#tables.get(caller)?.delete(name)
    this.#releaseIfEmpty(caller)
  }

  #releaseIfEmpty(caller: string): void {
    if ((this.#tables.get(caller)?.size ?? 0) > 0 || this.#running.has(caller)) return
    this.#tables.delete(caller)
    this.#options.storage.release(caller)
  }
}

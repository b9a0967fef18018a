import { randomBytes } from 'node:crypto'
import type { Bounded } from '../contracts/bounded.js'
import type { Clock } from '../contracts/clock.js'
import type { Logger } from '../contracts/logger.js'
import { type Principal, principalKey } from '../contracts/principal.js'
import type { Sealer } from '../contracts/sealer.js'
import type { ContentsInput } from '../engine/content.js'
import { type Duration, toMs } from '../engine/duration.js'
import type { Exchange } from '../engine/exchange.js'
import { checkOptions, duration, isMimeType, line, rule, text } from '../engine/option-rules.js'
import { leastTaskSpillMs, type SpillOptions, type SpillSource } from '../engine/spilling.js'
import { ToolError } from '../errors/tool-error.js'
import type { ResourceLink } from '../protocol/types.js'
import { readInside } from '../security/paths/read-inside.js'
import { linkTo, nameOf, readPart } from './file-parts.js'
import { type SpillSettings, spillLimits } from './options.js'
import { PartMarks } from './part-marks.js'
import { type Claim, Quotas } from './quotas.js'
import { SpillDirectory } from './spill-directory.js'
import { isTextType, openFile, type SpilledFile, sealFile } from './spilled-file.js'
import { DiskFault, type WhenEnded, writeSource } from './write-source.js'

/** A day is longer than any reader waits, and a disk should not be filled by one number. */
const longestTtlMs = 24 * 60 * 60 * 1000
const longestSweepMs = 10 * 60 * 1000
/** A file of the largest size has some hundred marks. */
const maxSealedBytes = 1024 * 1024

export interface SpillDependencies {
  readonly clock: Clock
  readonly logger: Logger
  readonly sealer: Sealer
  /** Who is counted: callers whom nobody knows are told apart by where they come from. */
  readonly callerOf: (exchange: Exchange) => string
}

interface Kept {
  readonly file: SpilledFile
  readonly claim: Claim
}

/**
 * Large results, kept in files for a while. An id is 256 bits and stands in no list and no directory: a file is named by its hash.
 * A read needs the id and the principal that it was written for.
 */
export class Spill {
  readonly #settings: SpillSettings
  readonly #with: SpillDependencies
  readonly #quotas: Quotas
  readonly #ttlMs: number
  readonly #sweepMs: number
  /** By the file's name; bounded by the quotas' files. */
  readonly #kept = new Map<string, Kept>()
  /** Names of files that are being written. */
  readonly #open = new Set<string>()
  /** What ends each of them, and each as a whole; bounded by the quotas' files. */
  readonly #stops = new Set<(reason: string) => void>()
  readonly #writes = new Set<Promise<unknown>>()
  #directory: Promise<SpillDirectory> | undefined
  #stopSweep: () => void = () => undefined
  #closed = false

  constructor(settings: SpillSettings, dependencies: SpillDependencies) {
    this.#settings = settings
    this.#with = dependencies
    this.#quotas = new Quotas(spillLimits(settings))
    this.#ttlMs = ttlOf(settings.ttl ?? '15m', '"spill.ttl"')
    this.#sweepMs = Math.min(longestSweepMs, toMs(settings.sweep ?? '1m', '"spill.sweep"'))
  }

  get bounded(): readonly Bounded[] {
    return this.#quotas.bounded
  }

  /** Makes the directory and removes what is over in it. @throws ToolError `spill_failed` */
  async start(): Promise<void> {
    await this.#place()
  }

  /** See `Spilling.write`. */
  async write(
    exchange: Exchange,
    source: SpillSource,
    options: SpillOptions,
    leastMs = 0,
  ): Promise<ResourceLink> {
    const work = this.#write(exchange, source, options, leastMs)
    this.#writes.add(work)
    try {
      return await work
    } finally {
      this.#writes.delete(work)
    }
  }

  async #write(
    exchange: Exchange,
    source: SpillSource,
    options: SpillOptions,
    leastMs: number,
  ): Promise<ResourceLink> {
    checkOptions(options, optionTable, 'options', 'ctx.spill: ')
    const { name: title, mimeType = 'text/plain', description, ttl } = options
    const usualMs = Math.max(this.#ttlMs, leastMs, leastTaskSpillMs(exchange))
    const ttlMs = ttlOf(ttl ?? usualMs, 'ctx.spill: "options.ttl"')
    const directory = await this.#place()
    const claim = this.#quotas.claim(this.#with.callerOf(exchange))
    const id = randomBytes(32).toString('base64url')
    const name = nameOf(id)
    const marks = new PartMarks(isTextType(mimeType))
    this.#open.add(name)
    try {
      await this.#fill(directory, name, { source, whenEnded: this.#endOf(exchange), claim, marks })
      const expiresAt = this.#with.clock.now() + ttlMs
      const owner = principalKey(exchange.principal)
      const file: SpilledFile = { owner, mimeType, expiresAt, marks: marks.end() }
      await onDisk(directory.finish(`${name}.data`, expiresAt))
      if (this.#settings.shared === true) await this.#publish(directory, name, file)
      if (this.#closed) throw failed('The server is shutting down.')
      this.#kept.set(name, { file, claim })
      return linkTo(id, file, title, description)
    } catch (error) {
      claim.release()
      await this.#discard(directory, name)
      throw this.#told(error)
    } finally {
      this.#open.delete(name)
    }
  }

  /**
   * One part of a file, from 1. Undefined when there is none that this caller may read, whatever the reason: unknown, another's,
   * expired, or no part of this number.
   */
  async read(id: string, part: number, principal: Principal): Promise<readonly ContentsInput[] | undefined> {
    const name = nameOf(id)
    const directory = await this.#place()
    const file = this.#kept.get(name)?.file ?? (await this.#foreign(directory, name))
    if (file === undefined || file.expiresAt <= this.#with.clock.now()) return undefined
    if (file.owner !== '' && file.owner !== principalKey(principal)) return undefined
    return readPart(directory.path, { id, part, file })
  }

  /** Removes what this process alone could read. Files that other nodes see stay until their time is over. */
  async close(): Promise<void> {
    this.#closed = true
    this.#stopSweep()
    for (const stop of [...this.#stops]) stop('closing')
    await Promise.allSettled(this.#writes)
    if (this.#directory === undefined) return
    const directory = await this.#directory.catch(() => undefined)
    if (directory === undefined) return
    const names = [...this.#kept.keys()]
    for (const name of names) this.#forget(name)
    if (this.#settings.shared !== true) await Promise.all(names.map((name) => this.#discard(directory, name)))
    await directory.close()
  }

  /** The end of the call, or of the server. */
  #endOf(exchange: Exchange): WhenEnded {
    return (listener) => {
      const stay = exchange.whenEnded(listener)
      this.#stops.add(listener)
      // It was on its way here when the server told all others.
      if (this.#closed) listener('closing')
      return () => {
        stay()
        this.#stops.delete(listener)
      }
    }
  }

  async #fill(
    directory: SpillDirectory,
    name: string,
    {
      source,
      whenEnded,
      claim,
      marks,
    }: { source: SpillSource; whenEnded: WhenEnded; claim: Claim; marks: PartMarks },
  ): Promise<void> {
    const handle = await onDisk(directory.create(`${name}.data`))
    try {
      await writeSource(source, whenEnded, { handle, claim, marks })
    } finally {
      await onDisk(handle.close())
    }
  }

  /** Lets the other nodes read it. */
  async #publish(directory: SpillDirectory, name: string, file: SpilledFile): Promise<void> {
    const sealed = await sealFile(this.#with.sealer, name, file)
    const handle = await onDisk(directory.create(`${name}.meta`))
    try {
      await onDisk(handle.writeFile(sealed))
    } finally {
      await handle.close()
    }
    await onDisk(directory.finish(`${name}.meta`, file.expiresAt))
  }

  /** What another node says of a file. */
  async #foreign(directory: SpillDirectory, name: string): Promise<SpilledFile | undefined> {
    if (this.#settings.shared !== true) return undefined
    try {
      const sealed = await readInside(directory.path, `${name}.meta`, { maxBytes: maxSealedBytes })
      return await openFile(this.#with.sealer, name, sealed.toString('utf8'))
    } catch (error) {
      if (ToolError.is(error)) return undefined
      throw error
    }
  }

  /** The directory, made when it is first needed; a failure is tried again by the next who needs it. */
  async #place(): Promise<SpillDirectory> {
    if (this.#closed) throw failed('The server is shutting down.')
    this.#directory ??= this.#make()
    try {
      return await this.#directory
    } catch (error) {
      this.#directory = undefined
      throw this.#told(new DiskFault(error))
    }
  }

  async #make(): Promise<SpillDirectory> {
    const directory = await SpillDirectory.open(this.#settings.directory)
    await this.#sweep(directory)
    return directory
  }

  /** Removes what is over, and comes again. */
  async #sweep(directory: SpillDirectory): Promise<void> {
    const { clock, logger } = this.#with
    const now = clock.now()
    try {
      for (const [name, { file }] of this.#kept) {
        if (file.expiresAt > now) continue
        this.#forget(name)
        await this.#discard(directory, name)
      }
      const isOwn = (file: string): boolean => {
        const name = file.slice(0, 64)
        return this.#kept.has(name) || this.#open.has(name)
      }
      const { foreignBytes, failure } = await directory.sweep(now, isOwn)
      this.#quotas.foreignBytes = foreignBytes
      if (failure !== undefined) throw failure
    } catch (error) {
      logger.warn('Spilled results whose time is over could not be removed.', { error })
    }
    if (!this.#closed) this.#stopSweep = clock.after(this.#sweepMs, () => void this.#sweep(directory))
  }

  #forget(name: string): void {
    this.#kept.get(name)?.claim.release()
    this.#kept.delete(name)
  }

  async #discard(directory: SpillDirectory, name: string): Promise<void> {
    try {
      await directory.remove(`${name}.data`)
      if (this.#settings.shared === true) await directory.remove(`${name}.meta`)
    } catch (error) {
      this.#with.logger.warn('A spilled result could not be removed.', { error })
    }
  }

  /** What the file system says is for the log; the caller learns that there was no place. */
  #told(error: unknown): unknown {
    if (!(error instanceof DiskFault)) return error
    this.#with.logger.error('Large results cannot be kept: the file system refuses.', { error: error.cause })
    return failed('The server could not keep the result.')
  }
}

function failed(message: string): ToolError {
  return new ToolError('spill_failed', {
    message,
    hint: 'Try again later, or ask for less.',
    retryable: true,
  })
}

function onDisk<Value>(work: Promise<Value>): Promise<Value> {
  return work.catch((error: unknown) => {
    throw new DiskFault(error)
  })
}

function ttlOf(value: Duration, option: string): number {
  return Math.min(longestTtlMs, Math.round(toMs(value, option)))
}

const optionTable = {
  what: 'ctx.spill',
  example: "{ name: 'orders.csv', mimeType: 'text/csv' }",
  required: ['name'],
  rules: {
    name: line(200, 'write a name such as "orders.csv"'),
    mimeType: rule(isMimeType, 'a media type', 'write it as type/subtype, such as "text/csv"'),
    ttl: duration,
    description: text('say what is in it, or leave it out'),
  },
}

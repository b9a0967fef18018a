import type { Bounded } from '../../contracts/bounded.js'
import { reasonOf } from '../../errors/reason-of.js'
import { StartError } from '../../errors/start-error.js'
import { AbortListeners } from './abort-listeners.js'
import { isGood } from './checked.js'
import { Creations } from './creations.js'
import { Endings } from './endings.js'
import { Idle } from './idle.js'
import { type Entry, Loan, newEntry } from './loan.js'
import { LoanWatch } from './loan-watch.js'
import {
  type Borrowed,
  type LoanOptions,
  type PoolCall,
  type PoolLimits,
  type PoolOptions,
  readLimits,
} from './pool-options.js'
import { closing, unavailable } from './pool-refusals.js'
import { boundedBy, type PoolUsage } from './pool-usage.js'
import { Pressure, recentlyMs } from './pressure.js'
import { Settling } from './settling.js'
import { Sweeps } from './sweeps.js'
import { WaitingLine } from './waiting-line.js'

/** Who would wait until its deadline is told a little before, so that it can still say why. */
const headStartMs = 40
/** How long the last ends are waited for; each has 5 s. */
const lastEndsMs = 6000

/**
 * Lends what is dear to make, and no more than `max` of it. Nobody overtakes: who comes while others wait, waits behind them,
 * and what comes free goes to whoever has waited longest.
 *
 * Whatever goes wrong with a resource, the pool recovers: one that cannot be made is tried again after a pause, one that died
 * is ended and replaced, and one that an ended call keeps is taken from it.
 */
export class Pool<Resource> {
  readonly name: string
  readonly limits: PoolLimits
  readonly #options: PoolOptions<Resource>
  readonly #entries = new Set<Entry<Resource>>()
  readonly #idle: Idle<Resource>
  readonly #line: WaitingLine<Loan<Resource>>
  readonly #creations: Creations<Resource>
  readonly #endings: Endings<Resource>
  readonly #pressure: Pressure
  readonly #watch: LoanWatch
  readonly #settling: Settling
  readonly #sweeps: Sweeps
  readonly #aborts = new AbortListeners()
  #lent = 0
  #checking = 0
  #stopRetry: (() => void) | undefined
  #closing: Promise<void> | undefined

  /** @throws DefinitionError for a limit that cannot work. */
  constructor(options: PoolOptions<Resource>) {
    const { name, clock, logger } = options
    this.name = name
    this.limits = readLimits(options)
    this.#options = options
    this.#pressure = new Pressure(clock, this.limits.max)
    this.#watch = new LoanWatch(name, this.limits.leakMs, logger)
    this.#settling = new Settling(clock)
    this.#sweeps = new Sweeps({
      clock,
      everyMs: Math.min(1000, Math.max(20, Math.min(this.limits.idleMs, this.limits.leakMs) / 4)),
      sweep: () => {
        this.#sweep()
        return this.#entries.size > 0
      },
    })
    this.#idle = new Idle({
      clock,
      freshMs: options.validate === undefined ? Number.POSITIVE_INFINITY : this.limits.validateAfterMs,
      idleMs: this.limits.idleMs,
      retire: (entry) => this.#retire(entry),
    })
    this.#line = new WaitingLine(clock, this.limits.maxWaiting + this.limits.max, this.#aborts)
    this.#creations = new Creations({
      name,
      clock,
      logger,
      timeoutMs: this.limits.createTimeoutMs,
      create: (signal) => options.create(signal),
      onMade: (resource) => this.#made(resource),
      onFailed: () => this.#notMade(),
      onLate: (resource) => this.#endings.end(resource),
    })
    this.#endings = new Endings({
      name,
      clock,
      logger,
      destroy: (resource) => options.destroy(resource),
      onEnded: () => {
        this.#fill()
        this.#settling.changed()
      },
    })
  }

  /** For a table of limits: the resources, and who waits for them. */
  get bounded(): readonly Bounded[] {
    const { max, maxWaiting } = this.limits
    return [
      boundedBy(`resources (${this.name})`, max, () => ({ size: this.#total, dropped: 0 })),
      boundedBy(`waiting callers (${this.name})`, maxWaiting, () => ({
        size: this.#behind,
        dropped: this.#pressure.refused + this.#pressure.timeouts,
      })),
    ]
  }

  /**
   * Makes `min` of them, and resolves when the first is there; at once when `min` is 0.
   * @throws StartError when none can be made, with the reason as its cause.
   */
  async open(signal: AbortSignal): Promise<void> {
    if (this.limits.min === 0) return
    const call = { name: 'start', signal, remaining: () => Number.POSITIVE_INFINITY }
    try {
      signal.throwIfAborted()
      // It ends with what is made, which has a time of its own: how long calls wait says nothing of that.
      ;(await this.#wait(call, new Error(), Number.POSITIVE_INFINITY)).release()
    } catch (error) {
      const cause = this.#creations.lastError ?? error
      const why = `"${this.name}" must be there when the server starts: ${reasonOf(cause)}`
      throw new StartError(why, { cause })
    }
  }

  /**
   * Lends one for as long as `work` takes, and has it back however that ends. `onAbort` is called when the call ends while `work`
   * has it.
   * @throws ToolError `pool_exhausted` or `backend_unavailable`, both to be tried again; the signal's reason when the call has
   * ended; `shutting_down`; what `work` throws.
   */
  async use<Value>(
    call: PoolCall,
    work: (resource: Resource) => Value | Promise<Value>,
    options?: LoanOptions<Resource>,
  ): Promise<Value> {
    const loan = await this.acquire(call, options)
    let isGood = true
    try {
      return await work(loan.resource)
    } catch (error) {
      isGood = !this.#isBroken(loan.resource, error)
      throw error
    } finally {
      if (isGood) loan.release()
      else loan.destroy()
    }
  }

  /** Lends one until it is given back. @throws as `use` does. */
  async acquire(call: PoolCall, { onAbort }: LoanOptions<Resource> = {}): Promise<Borrowed<Resource>> {
    const { signal } = call
    signal.throwIfAborted()
    if (this.#closing !== undefined) throw closing(this.name)
    const site = new Error(`Borrowed from "${this.name}".`)
    const loan = this.#lendNow(call, site) ?? (await this.#wait(call, site))
    if (signal.aborted) {
      loan.release()
      throw signal.reason
    }
    if (onAbort !== undefined) loan.unlisten = this.#aborts.add(signal, () => this.#watch.tell(loan, onAbort))
    return loan
  }

  #lendNow(call: PoolCall, site: Error): Loan<Resource> | undefined {
    // Nobody overtakes.
    const entry = this.#line.size === 0 ? this.#idle.takeFresh() : undefined
    if (entry === undefined) return undefined
    this.#pressure.addWait(0)
    return this.#lend(entry, call, site)
  }

  #wait(call: PoolCall, site: Error, most = this.limits.acquireTimeoutMs): Promise<Loan<Resource>> {
    if (this.#isAway) throw unavailable(this.name, this.#creations.pauseMs)
    // Who only waits for one that nobody has is not in the way of others.
    if (this.#behind >= this.limits.maxWaiting && this.#line.size >= this.limits.max - this.#lent) {
      throw this.#exhausted()
    }
    const left = call.remaining()
    const ms = Math.min(most, Math.max(left / 2, left - headStartMs))
    const turn = this.#line.join(call, site, ms, (waitedMs) =>
      this.#creations.failing ? unavailable(this.name, this.#creations.pauseMs) : this.#exhausted(waitedMs),
    )
    this.#fill()
    return turn
  }

  /** Ends one that is known to be dead: an idle one at once, a lent one when it comes back. The others are suspect then. */
  discard(resource: Resource): void {
    this.#idle.suspect()
    for (const entry of this.#entries) {
      if (entry.resource !== resource) continue
      entry.isDoomed = true
      if (this.#idle.remove(entry)) this.#retire(entry)
    }
    this.#fill()
  }

  usage(): PoolUsage {
    return {
      size: this.#entries.size,
      inUse: this.#lent,
      idle: this.#idle.size,
      waiting: this.#line.size,
      max: this.limits.max,
      waitP95Ms: this.#pressure.waitP95Ms,
      timeouts: this.#pressure.timeouts,
      refused: this.#pressure.refused,
      leaked: this.#watch.leaked,
      takenAway: this.#watch.takenAway,
    }
  }

  /** The sentence that says what is wrong now, or nothing. */
  degraded(): string | undefined {
    if (this.#closing !== undefined) return undefined
    if (this.#creations.failing) {
      return `"${this.name}" cannot be reached since ${Math.ceil(this.#creations.failingForMs / 1000)} s.`
    }
    if (!this.#pressure.isExhausted) return undefined
    return `"${this.name}" is exhausted: within the last ${recentlyMs / 1000} s callers got none of ${this.limits.max}.`
  }

  /** Refuses who waits, has back what is lent for up to `timeoutMs`, takes away the rest, and ends all. */
  close(timeoutMs = 5000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs)
    return this.#closing
  }

  async #close(timeoutMs: number): Promise<void> {
    // `#closing` is set once this gives way for the first time.
    await undefined
    this.#sweeps.end()
    this.#stopRetry?.()
    this.#line.refuseAll(() => closing(this.name))
    this.#creations.close(new Error(`"${this.name}" is closing.`))
    this.#idle.clear()
    await this.#settling.until(() => this.#lent + this.#checking + this.#creations.inFlight === 0, timeoutMs)
    for (const entry of this.#entries) {
      if (entry.loan !== undefined) this.#takeAway(entry.loan, 'the pool closes')
      else this.#retire(entry)
    }
    await this.#settling.until(() => this.#endings.size === 0, lastEndsMs)
  }

  get #total(): number {
    return this.#entries.size + this.#creations.inFlight + this.#endings.size
  }

  /** How many of those who wait do so for what others have. */
  get #behind(): number {
    return Math.max(0, this.#line.size - (this.limits.max - this.#lent))
  }

  /** Nothing is open, and none is tried just now. */
  get #isAway(): boolean {
    return this.#entries.size === 0 && this.#creations.failing && this.#creations.pauseMs > 0
  }

  /** Hands out and makes as many as are wanted. An idle one is checked also while one is made for the same: that may hang. */
  #fill(): void {
    if (this.#closing !== undefined) return
    while (this.#line.size > this.#checking) {
      const entry = this.#idle.take()
      if (entry === undefined) break
      if (this.#idle.isFresh(entry)) this.#serve(entry)
      else void this.#check(entry)
    }
    const { max, min } = this.limits
    const wanted = (): number =>
      Math.max(
        this.#line.size - this.#creations.inFlight - this.#checking,
        min - this.#entries.size - this.#creations.inFlight,
      )
    while (wanted() > 0 && this.#total < max && this.#creations.allowed) this.#creations.begin()
    // The end of one that is being made fills again by itself.
    if (wanted() > 0 && this.#total < max && this.#creations.inFlight === 0) this.#fillLater()
  }

  #fillLater(): void {
    this.#stopRetry?.()
    this.#stopRetry = this.#options.clock.after(Math.ceil(this.#creations.pauseMs) + 1, () => this.#fill())
  }

  #made(resource: Resource): void {
    if (this.#closing !== undefined) {
      this.#endings.end(resource)
      return
    }
    const entry = newEntry(resource, this.#options.clock.monotonic(), this.limits.lifetimeMs)
    this.#entries.add(entry)
    this.#sweeps.begin()
    this.#ready(entry)
    this.#fill()
  }

  #notMade(): void {
    // Whoever can still be served by what is lent goes on waiting; for the others it would be in vain.
    if (this.#entries.size === 0 && this.#creations.inFlight === 0) {
      this.#line.refuseAll(() => unavailable(this.name, this.#creations.pauseMs))
    }
    this.#fill()
    this.#settling.changed()
  }

  /** To the next, or to the others that nobody needs. */
  #ready(entry: Entry<Resource>): void {
    if (this.#line.size > 0) this.#serve(entry)
    else this.#idle.add(entry)
  }

  #serve(entry: Entry<Resource>): void {
    const waiter = this.#line.shift()
    if (waiter === undefined) return
    this.#pressure.addWait(this.#options.clock.monotonic() - waiter.since)
    waiter.resolve(this.#lend(entry, waiter.call, waiter.site))
  }

  #lend(entry: Entry<Resource>, call: PoolCall, site: Error): Loan<Resource> {
    const now = this.#options.clock.monotonic()
    const loan = new Loan(entry, call, now, site, (given, isGood) => this.#takeBack(given, isGood))
    entry.state = 'lent'
    entry.loan = loan
    this.#lent += 1
    return loan
  }

  #takeBack(loan: Loan<Resource>, isGood: boolean): void {
    const { entry } = loan
    if (entry.loan !== loan) return
    loan.unlisten?.()
    entry.loan = undefined
    this.#lent -= 1
    this.#pressure.addLoan(loan.since)
    const isOver = entry.isDoomed || this.#options.clock.monotonic() >= entry.expiresAt
    if (!isGood || isOver || this.#closing !== undefined) this.#retire(entry)
    else this.#ready(entry)
    this.#fill()
    this.#settling.changed()
  }

  async #check(entry: Entry<Resource>): Promise<void> {
    entry.state = 'checking'
    this.#checking += 1
    const yes = await isGood(
      async () => this.#options.validate?.(entry.resource) ?? true,
      this.limits.createTimeoutMs,
      this.#options.clock,
    )
    this.#checking -= 1
    if (!yes || entry.isDoomed || this.#closing !== undefined) this.#retire(entry)
    else this.#ready(entry)
    this.#fill()
    this.#settling.changed()
  }

  #isBroken(resource: Resource, error: unknown): boolean {
    try {
      return this.#options.broken?.(resource, error) === true
    } catch {
      return true
    }
  }

  #retire(entry: Entry<Resource>): void {
    if (entry.state === 'ended') return
    entry.state = 'ended'
    this.#entries.delete(entry)
    this.#endings.end(entry.resource)
  }

  #takeAway(loan: Loan<Resource>, why: string): void {
    this.#watch.tookAway(loan, this.#options.clock.monotonic(), why)
    this.#takeBack(loan, false)
  }

  /** Ends what is old or not needed, names who keeps one too long, and takes it from who has no call any more. */
  #sweep(): void {
    const now = this.#options.clock.monotonic()
    this.#idle.sweep(this.#entries.size - this.limits.min)
    for (const { loan } of [...this.#entries]) {
      if (loan !== undefined && this.#watch.look(loan, now)) this.#takeAway(loan, 'its call ended long ago')
    }
    this.#fill()
  }

  #exhausted(waitedMs?: number): Error {
    const state = { pool: this.name, size: this.#entries.size, inUse: this.#lent, waiting: this.#line.size }
    return this.#pressure.refuse(state, waitedMs)
  }
}

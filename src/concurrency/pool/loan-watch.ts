import type { Logger } from '../../contracts/logger.js'
import type { Loan } from './loan.js'

/** Looks after what is lent: who keeps one too long is named, and where it was borrowed. */
export class LoanWatch {
  /** Kept for longer than `leakMs`. */
  leaked = 0
  /** Taken away from calls that had ended, or when the pool closed. */
  takenAway = 0
  readonly #pool: string
  readonly #leakMs: number
  readonly #logger: Logger

  constructor(pool: string, leakMs: number, logger: Logger) {
    this.#pool = pool
    this.#leakMs = leakMs
    this.#logger = logger
  }

  /** Names who keeps one too long. True: its call ended long ago, and it is to be taken away. */
  look<Resource>(loan: Loan<Resource>, now: number): boolean {
    // A call that was answered in time does not abort its signal; its deadline passes all the same.
    if (loan.call.signal.aborted || loan.call.remaining() <= 0) loan.endedAt ??= now
    if (loan.endedAt !== undefined && now - loan.endedAt >= this.#leakMs) return true
    if (loan.isNamed || now - loan.since < this.#leakMs) return false
    loan.isNamed = true
    this.leaked += 1
    const heldMs = Math.round(now - loan.since)
    this.#warn(loan, heldMs, `"${loan.call.name}" has kept one of "${this.#pool}" for ${heldMs} ms.`)
    return false
  }

  /** Tells a borrower that its call has ended. What the borrower throws would end the process, and keep it from the others. */
  tell<Resource>(loan: Loan<Resource>, onAbort: (resource: Resource) => unknown): void {
    const told = (async () => onAbort(loan.resource))()
    told.catch((error: unknown) => {
      const { name } = loan.call
      this.#logger.warn(`"${name}" failed when it was told of its end while it had one of "${this.#pool}".`, {
        pool: this.#pool,
        call: name,
        error,
      })
    })
  }

  /** Counts and says that one is taken away. */
  tookAway<Resource>(loan: Loan<Resource>, now: number, why: string): void {
    this.takenAway += 1
    const text = `"${loan.call.name}" kept one of "${this.#pool}", and it was taken away: ${why}.`
    this.#warn(loan, Math.round(now - loan.since), text)
  }

  #warn<Resource>({ call, site }: Loan<Resource>, heldMs: number, text: string): void {
    this.#logger.warn(text, { pool: this.#pool, call: call.name, heldMs, borrowedAt: site.stack })
  }
}

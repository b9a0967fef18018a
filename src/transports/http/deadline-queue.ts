/** Something that must be over in time. The links belong to the queue. */
export interface Deadline {
  /** Called once, when the time is over. It must not throw. */
  expire(): void
  dueAt: number
  previous: Deadline | undefined
  next: Deadline | undefined
}

/**
 * One timer for any number of waits of the same length. All wait equally long, so they end in the order they
 * began: entering and leaving are a few assignments, where a timer each costs more than reading a small body.
 */
export class DeadlineQueue {
  private readonly timeoutMs: number
  private first: Deadline | undefined
  private last: Deadline | undefined
  private timer: ReturnType<typeof setTimeout> | undefined

  /** `timeoutMs` in milliseconds, above 0; a wait ends at most one timer tick late. */
  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs
  }

  enter(deadline: Deadline): void {
    deadline.dueAt = performance.now() + this.timeoutMs
    deadline.previous = this.last
    deadline.next = undefined
    if (this.last === undefined) this.first = deadline
    else this.last.next = deadline
    this.last = deadline
    // A timer still running from earlier is left to run: it finds this one when it fires.
    if (this.timer === undefined) this.arm(this.timeoutMs)
  }

  /** Leaving twice, or after the end, changes nothing. */
  leave(deadline: Deadline): void {
    const { previous, next } = deadline
    if (previous === undefined && this.first !== deadline) return
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.last = previous
    else next.previous = previous
    deadline.previous = undefined
    deadline.next = undefined
  }

  private arm(delayMs: number): void {
    this.timer = setTimeout(this.expireDue, delayMs)
    // The sockets keep the process alive as long as it is wanted; the browser-like runtimes know no unref.
    if (typeof this.timer === 'object' && 'unref' in this.timer) this.timer.unref()
  }

  private readonly expireDue = (): void => {
    this.timer = undefined
    const now = performance.now()
    while (this.first !== undefined && this.first.dueAt <= now) {
      const due = this.first
      this.leave(due)
      due.expire()
    }
    // `expire` may have entered a new one, and armed.
    if (this.first !== undefined && this.timer === undefined)
      this.arm(Math.max(1, Math.ceil(this.first.dueAt - now)))
  }
}

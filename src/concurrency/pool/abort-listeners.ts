/**
 * Many listeners of one signal as one: a call may wait for many things at once, and Node warns of a leak on stderr from the
 * eleventh listener on.
 */
export class AbortListeners {
  readonly #bySignal = new Map<AbortSignal, { readonly all: Set<() => void>; readonly hear: () => void }>()

  /** Signals that are listened to now. */
  get size(): number {
    return this.#bySignal.size
  }

  /** Calls `listener` once when `signal` aborts, unless what it returns is called before. The signal has not aborted yet. */
  add(signal: AbortSignal, listener: () => void): () => void {
    let known = this.#bySignal.get(signal)
    if (known === undefined) {
      const all = new Set<() => void>()
      const hear = (): void => {
        this.#bySignal.delete(signal)
        for (const one of all) one()
      }
      known = { all, hear }
      this.#bySignal.set(signal, known)
      signal.addEventListener('abort', hear, { once: true })
    }
    const { all, hear } = known
    // The same function may be added twice.
    const own = (): void => listener()
    all.add(own)
    return () => {
      if (!all.delete(own) || all.size > 0 || this.#bySignal.get(signal)?.all !== all) return
      this.#bySignal.delete(signal)
      signal.removeEventListener('abort', hear)
    }
  }
}

import type { Clock } from '../contracts/clock.js'

export interface MapOptions {
  /** How many are worked on at once. Default: 8. */
  readonly concurrency?: number
  /**
   * `stop` (default): the first failure ends the rest, and is thrown. `collect`: each item has an outcome, and one that failed
   * leaves the others alone.
   */
  readonly onError?: 'stop' | 'collect'
  /** Whether the client is told how many are done, where it asked for progress. Default: true. */
  readonly progress?: boolean
}

/** Aborts with the call, and with `stop` when another item has failed. */
export interface MapPlace {
  readonly index: number
  readonly signal: AbortSignal
}

export type MapWork<Item, Value> = (item: Item, place: MapPlace) => Value | Promise<Value>

/** What may be told of an item's failure; nothing internal is in it. */
export interface ItemError {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly retryable: boolean
  readonly retryAfterMs?: number
}

/** How one item went, in the order of the items. */
export type Outcome<Value> =
  | { readonly index: number; readonly ok: true; readonly value: Value }
  | { readonly index: number; readonly ok: false; readonly error: ItemError }

export interface MapRun {
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly concurrency: number
  /** What a failure is told as; undefined: it ends the whole, whatever `onError` says. */
  readonly collect: ((thrown: unknown, index: number) => ItemError | undefined) | undefined
  /** Told now and then how many are done, and of how many where that is known. */
  readonly onProgress: ((done: number, total: number | undefined) => void) | undefined
  /** Resolves when other work has had its turn. */
  readonly nextTurn: () => Promise<void>
}

/** Between two signs of progress. */
const progressMs = 100
/** After so many items other work has its turn: items and work that wait for nothing would keep everyone waiting, the call's deadline too. */
const itemsInTurn = 200

/**
 * Works on items, so many at once and no more; of a source that is asynchronous no item is taken before somebody can work on it. It
 * ends when all work has ended, also after a failure or an abort, so that nothing goes on behind the caller's back.
 */
export async function mapItems<Item, Value>(
  items: Iterable<Item> | AsyncIterable<Item>,
  work: MapWork<Item, Value>,
  run: MapRun,
): Promise<Outcome<Value>[]> {
  const { signal, clock, concurrency, collect, onProgress, nextTurn } = run
  const stopping = new AbortController()
  const stop = (): void => stopping.abort(signal.reason)
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  const iterator = toAsync(items)
  const total = Array.isArray(items) ? items.length : undefined
  const outcomes: Outcome<Value>[] = []
  let failure: { readonly thrown: unknown } | undefined
  let taken = 0
  let done = 0
  let exhausted = false
  let toldAt = clock.monotonic()
  let turn: Promise<void> | undefined
  const fail = (thrown: unknown): void => {
    failure ??= { thrown }
    stopping.abort(thrown)
  }

  async function worker(): Promise<void> {
    while (!exhausted && !stopping.signal.aborted) {
      const next = await iterator.next()
      if (next.done === true) {
        exhausted = true
        return
      }
      if (stopping.signal.aborted) return
      const index = taken
      taken += 1
      try {
        outcomes[index] = {
          index,
          ok: true,
          value: await work(next.value, { index, signal: stopping.signal }),
        }
      } catch (thrown) {
        const error = stopping.signal.aborted ? undefined : collect?.(thrown, index)
        if (error === undefined) {
          fail(thrown)
          return
        }
        outcomes[index] = { index, ok: false, error }
      }
      done += 1
      const now = clock.monotonic()
      if (onProgress !== undefined && (now - toldAt >= progressMs || done === total)) {
        toldAt = now
        onProgress(done, total)
      }
      if (done % itemsInTurn === 0) {
        turn = nextTurn().then(() => {
          turn = undefined
        })
      }
      if (turn !== undefined) await turn
    }
  }

  try {
    const workers = Math.min(concurrency, total ?? concurrency)
    await Promise.all(Array.from({ length: workers }, () => worker().catch(fail)))
  } finally {
    signal.removeEventListener('abort', stop)
    // A source that was not read to its end gets to know. Why it was not is told, and not how it took it.
    if (!exhausted) await iterator.return().catch(() => undefined)
  }
  if (signal.aborted) throw signal.reason
  if (failure !== undefined) throw failure.thrown
  return outcomes
}

/** One after the other, also for callers that ask at once. */
function toAsync<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
): Required<Pick<AsyncIterator<Item>, 'next' | 'return'>> {
  if (Symbol.asyncIterator in items) {
    const iterator = items[Symbol.asyncIterator]()
    let last: Promise<unknown> = Promise.resolve()
    return {
      next() {
        const next = last.then(() => iterator.next())
        last = next.catch(() => undefined)
        return next
      },
      async return() {
        await last
        return (await iterator.return?.()) ?? { done: true, value: undefined }
      },
    }
  }
  const iterator = items[Symbol.iterator]()
  return {
    next: async () => iterator.next(),
    return: async () => iterator.return?.() ?? { done: true, value: undefined },
  }
}

/** What is known of one key: when it will have recovered, its place in the heap, and its neighbours by use. */
export interface KeyState {
  readonly key: string
  /** Monotonic milliseconds at which nothing is taken any more (GCRA's theoretical arrival time). */
  recoversAt: number
  /** `recoversAt` as the heap knows it: never later than the true one, because that only moves on. */
  heapAt: number
  heapIndex: number
  older: KeyState | undefined
  younger: KeyState | undefined
}

/**
 * The keys of a limiter, never more than `limit`. One that has recovered says no more than one that is not there, so those
 * make room first. Only when there is none goes the key that was used least recently, and that is counted.
 */
export class GcraKeys {
  readonly limit: number
  /** Keys that were forgotten before they had recovered. */
  forgotten = 0
  readonly #states = new Map<string, KeyState>()
  /** The least `heapAt` on top. */
  readonly #heap: KeyState[] = []
  #oldest: KeyState | undefined
  #youngest: KeyState | undefined

  constructor(limit: number) {
    this.limit = limit
  }

  get size(): number {
    return this.#states.size
  }

  /** The key's state, which counts as used by that. */
  use(key: string): KeyState | undefined {
    const state = this.#states.get(key)
    if (state !== undefined && state !== this.#youngest) {
      this.#unlink(state)
      this.#append(state)
    }
    return state
  }

  add(key: string, recoversAt: number, now: number): void {
    if (this.#states.size >= this.limit) this.#makeRoom(now)
    const state: KeyState = {
      ...{ key, recoversAt, heapAt: recoversAt, heapIndex: this.#heap.length },
      ...{ older: undefined, younger: undefined },
    }
    this.#states.set(key, state)
    this.#append(state)
    this.#heap.push(state)
    this.#rise(state)
  }

  #makeRoom(now: number): void {
    let top = this.#heap[0]
    // Each step makes up for takes that were spared it, so a flood of new keys costs a flood no more than its keys.
    while (top !== undefined && top.heapAt < top.recoversAt && top.heapAt <= now) {
      top.heapAt = top.recoversAt
      this.#sink(top)
      top = this.#heap[0]
    }
    if (top !== undefined && top.recoversAt <= now) this.#remove(top)
    else if (this.#oldest !== undefined) {
      this.forgotten += 1
      this.#remove(this.#oldest)
    }
  }

  #remove(state: KeyState): void {
    this.#states.delete(state.key)
    this.#unlink(state)
    const last = this.#heap.pop()
    if (last === undefined || last === state) return
    this.#place(last, state.heapIndex)
    this.#rise(last)
    this.#sink(last)
  }

  #append(state: KeyState): void {
    state.older = this.#youngest
    state.younger = undefined
    if (this.#youngest === undefined) this.#oldest = state
    else this.#youngest.younger = state
    this.#youngest = state
  }

  #unlink(state: KeyState): void {
    const { older, younger } = state
    if (older === undefined) this.#oldest = younger
    else older.younger = younger
    if (younger === undefined) this.#youngest = older
    else younger.older = older
  }

  #place(state: KeyState, index: number): void {
    this.#heap[index] = state
    state.heapIndex = index
  }

  #rise(state: KeyState): void {
    while (state.heapIndex > 0) {
      const parent = this.#heap[(state.heapIndex - 1) >> 1]
      if (parent === undefined || parent.heapAt <= state.heapAt) return
      const index = parent.heapIndex
      this.#place(parent, state.heapIndex)
      this.#place(state, index)
    }
  }

  #sink(state: KeyState): void {
    for (;;) {
      const left = this.#heap[2 * state.heapIndex + 1]
      const right = this.#heap[2 * state.heapIndex + 2]
      const child = right !== undefined && left !== undefined && right.heapAt < left.heapAt ? right : left
      if (child === undefined || child.heapAt >= state.heapAt) return
      const index = child.heapIndex
      this.#place(child, state.heapIndex)
      this.#place(state, index)
    }
  }
}

import type { Bounded, BoundedStats } from '../contracts/bounded.js'
import type { Bus } from '../contracts/bus.js'
import type { Logger } from '../contracts/logger.js'
import { isRecord } from '../protocol/json-rpc.js'
import { afterTick } from './after-tick.js'

/** Something that clients may want to hear of: a list changed, a resource was updated, a task moved on. */
export type Change =
  | { readonly kind: 'tools' | 'prompts' | 'resources' }
  | { readonly kind: 'resource'; readonly uri: string }
  | { readonly kind: 'task'; readonly id: string }

export type ChangeListener = (change: Change) => void

const topic = 'holdfast:changes'
/** Changes of one tick beyond this many are dropped and counted; no client could read that fast. */
const maxPerTick = 10_000

/**
 * Changes on their way to those who listen, here and on every node of the bus. Changes made within one tick are
 * announced once.
 */
export class Changes implements Bounded {
  readonly #bus: Bus
  readonly #logger: Logger
  readonly #listeners = new Set<ChangeListener>()
  #waiting = new Map<string, Change>()
  #dropped = 0
  /** While the bus takes nothing, that is logged once: changes may come many times a second. */
  #failing = false
  #open = false

  constructor(bus: Bus, logger: Logger) {
    this.#bus = bus
    this.#logger = logger
    bus.subscribe(topic, (message) => this.#heard(message))
  }

  /** From here on there may be clients; what was defined before is no change. */
  open(): void {
    this.#open = true
  }

  announce(change: Change): void {
    if (!this.#open) return
    const key = keyOf(change)
    if (this.#waiting.size >= maxPerTick && !this.#waiting.has(key)) {
      this.#dropped += 1
      return
    }
    if (this.#waiting.size === 0) afterTick(() => this.flush())
    this.#waiting.set(key, change)
  }

  /** Tells what waits now, and not at the end of this turn: whoever closes after it would leave its listeners without. */
  flush(): void {
    if (this.#waiting.size > 0) void this.#publish()
  }

  /** Calls `listener` for every change from now on. It must not throw. Returns the function that ends it. */
  listen(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  stats(): BoundedStats {
    return {
      name: 'changes to be announced',
      size: this.#waiting.size,
      limit: maxPerTick,
      unit: 'entries',
      dropped: this.#dropped,
    }
  }

  async #publish(): Promise<void> {
    const changes = [...this.#waiting.values()]
    this.#waiting = new Map()
    try {
      await this.#bus.publish(topic, JSON.stringify(changes))
      this.#failing = false
    } catch (error) {
      if (!this.#failing) {
        const message =
          'The bus does not take changes; until it does, only clients of this node hear of them.'
        this.#logger.error(message, { error })
      }
      this.#failing = true
      for (const change of changes) this.#tell(change)
    }
  }

  #heard(message: string): void {
    for (const change of readChanges(message)) this.#tell(change)
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function keyOf(change: Change): string {
  switch (change.kind) {
    case 'resource':
      return `resource ${change.uri}`
    case 'task':
      return `task ${change.id}`
    default:
      return change.kind
  }
}

/** Another version of ours may be on the bus; what it says and we do not know is left out. */
function readChanges(message: string): readonly Change[] {
  let value: unknown
  try {
    value = JSON.parse(message)
  } catch {
    return []
  }
  return Array.isArray(value) ? value.filter(isChange) : []
}

function isChange(value: unknown): value is Change {
  if (!isRecord(value)) return false
  const { kind, uri, id } = value
  if (kind === 'resource') return typeof uri === 'string'
  if (kind === 'task') return typeof id === 'string'
  return kind === 'tools' || kind === 'prompts' || kind === 'resources'
}

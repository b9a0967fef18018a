import type { Bounded } from './bounded.js'
import type { Bus } from './bus.js'
import type { EventStore } from './event-store.js'
import type { Leases } from './leases.js'
import type { RateStore } from './rate-store.js'
import type { Store } from './store.js'
import type { TaskStore } from './task-store.js'

/** How a part of the server does: `degraded` means that it goes on with less, and `message` says with what. */
export interface HealthCheck {
  readonly name: string
  readonly status: 'ok' | 'degraded'
  /** One sentence for whoever is woken. */
  readonly message?: string
}

/**
 * What the nodes that serve one server share. A part that is left out is this process's own. Out of reach, each part rejects
 * within its time limit, and its user fails open (cache, events, rates: counted on this node instead) or closed (records, tasks).
 */
export interface Stores {
  /** What the nodes tell each other by. */
  readonly bus?: Bus
  /** Kept answers. It may forget. */
  readonly cache?: Store
  /** What must not be forgotten before its time: states that count once, idempotent calls. It fails closed. */
  readonly records?: Store
  /** Rate limits that count once for all nodes. */
  readonly rates?: RateStore
  readonly tasks?: TaskStore
  /** What HTTP streams have sent, so that a client whose connection broke may come back to any node. It needs a `bus` that the nodes share. */
  readonly events?: EventStore
  /** Who works on which task, so that another node takes over the tasks of one that died. Without it they stay as they are. */
  readonly leases?: Leases
  /** Whether other processes see the same; such a server needs sealing keys of its own (`keys`). Default: false. */
  readonly shared?: boolean
  readonly bounded?: readonly Bounded[]
  health?(): readonly HealthCheck[]
  /** Ends connections; called when the server closes. */
  close?(): Promise<void>
}

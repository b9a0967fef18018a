import type { Principal } from '../contracts/principal.js'
import type { Opening } from './discovery.js'
import type { PeerRecord } from './peers.js'

/** A session of the handshake revisions, once its id was opened. */
export interface Session extends Opening {
  readonly id: string
  /** Short, and unique among sessions: what tables are keyed by. */
  readonly key: string
}

/** Gives out and opens session ids; the HTTP transport knows no more of sessions than this. */
export interface Sessions {
  create(opening: Opening, principal: Principal): Promise<string>
  /** Undefined for an id that is foreign, expired, ended, or of another principal: all of them 404. */
  open(id: string, principal: Principal): Session | undefined | Promise<Session | undefined>
  /** Ends a session for good; resolves when those who must know have been told, or cannot be. */
  end(session: Session): Promise<void>
  /** What a session changed since it was opened, if anything, by its key. */
  record(key: string): PeerRecord | undefined
  change(key: string, record: PeerRecord): void
}

import { type ConnectOptions, connect } from './connect.js'
import type { TestClient } from './test-client.js'
import { isStateless, type Revision, revisions, type TestServer, type Transport, transports } from './wire.js'

export interface CellsOptions {
  /** Default: all three. */
  readonly transports?: readonly Transport[]
  /** Default: all that Holdfast speaks. */
  readonly revisions?: readonly Revision[]
}

/** One combination of a transport and a revision. */
export interface Cell {
  /** For titles: `stdio, 2025-11-25`. */
  readonly name: string
  readonly transport: Transport
  readonly revision: Revision
  /** Whether requests speak for themselves under this revision, without a handshake. */
  readonly stateless: boolean
  /** `connect` with this cell's transport and revision. */
  connect(server: TestServer, options?: Omit<ConnectOptions, 'transport' | 'revision'>): Promise<TestClient>
}

/**
 * The matrix that one test body runs over, as data, so that any runner can use it:
 * `describe.each(cells())('$name', ({ connect }) => { it(...) })`.
 */
export function cells(options: CellsOptions = {}): readonly Cell[] {
  return (options.transports ?? transports).flatMap((transport) =>
    (options.revisions ?? revisions).map((revision) => ({
      name: `${transport}, ${revision}`,
      transport,
      revision,
      stateless: isStateless(revision),
      connect: (server: TestServer, more: Omit<ConnectOptions, 'transport' | 'revision'> = {}) =>
        connect(server, { ...more, transport, revision }),
    })),
  )
}

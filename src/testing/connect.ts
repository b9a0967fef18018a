import type { ClientCapabilities, Implementation, Principal } from 'holdfast'
import type { Answers } from './answers.js'
import { openHttp } from './http-wire.js'
import { TestClient } from './test-client.js'
import {
  isStateless,
  openMemory,
  openStdio,
  type Revision,
  revisions,
  type TestServer,
  type Transport,
  type Wire,
} from './wire.js'

export interface ConnectOptions {
  /** Default: memory. */
  readonly transport?: Transport
  /** Default: the newest. */
  readonly revision?: Revision
  /** What the client can do: said in the handshake, or in each request of a stateless revision. Default: nothing. */
  readonly capabilities?: ClientCapabilities
  readonly clientInfo?: Implementation
  /**
   * How the client answers what it is asked, by method: `'elicitation/create': (params) => ({ action: 'decline' })`. In
   * stateless revisions `callTool` and its kin come back with the answers by themselves. Without one for a method the
   * client answers it with an error, and a result that asks is given as it is.
   */
  readonly answers?: Answers
  /** HTTP only: sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Memory and stdio only: who is at the other end. Over HTTP the server's own `auth` decides, by `headers`. */
  readonly principal?: Principal
  /** False leaves the opening to the test: no `initialize` is sent. Default: true. */
  readonly open?: boolean
  /** Milliseconds that an answer may take before the client gives up on it. Default: 10,000. */
  readonly timeoutMs?: number
}

/**
 * Connects a client to a server as the revision asks: with `initialize` and `notifications/initialized`, or, from
 * 2026-07-28 on, with a `_meta` envelope in each request. Closing the client leaves the server open.
 *
 * @throws RequestError when the server refuses the opening, Error when it settles on another revision.
 */
export async function connect(server: TestServer, options: ConnectOptions = {}): Promise<TestClient> {
  const { transport = 'memory', revision = revisions.at(-1) ?? '2026-07-28', open = true } = options
  const client = new TestClient({
    transport,
    revision,
    capabilities: options.capabilities ?? {},
    clientInfo: options.clientInfo ?? { name: 'holdfast-testing', version: '0' },
    timeoutMs: options.timeoutMs ?? 10_000,
    answers: options.answers ?? {},
    open: (receive) =>
      openWire(
        as(server, options.principal),
        { transport, revision, headers: options.headers ?? {} },
        receive,
      ),
  })
  await client.start()
  if (!open || isStateless(revision)) return client
  try {
    const { protocolVersion } = await client.initialize()
    if (protocolVersion !== revision) {
      throw new Error(`The server settled on ${String(protocolVersion)}, but the test asks for ${revision}.`)
    }
  } catch (error) {
    await client.close()
    throw error
  }
  return client
}

/** The server as this caller reaches it. */
function as(server: TestServer, principal: Principal | undefined): TestServer {
  if (principal === undefined) return server
  return {
    connect: (options) => server.connect({ ...options, principal }),
    handler: (req, res) => server.handler(req, res),
  }
}

async function openWire(
  server: TestServer,
  options: { transport: Transport; revision: Revision; headers: Readonly<Record<string, string>> },
  receive: (text: string) => void,
): Promise<Wire> {
  switch (options.transport) {
    case 'memory':
      return openMemory(server, receive)
    case 'stdio':
      return openStdio(server, receive)
    case 'http':
      return openHttp(server, options)
  }
}

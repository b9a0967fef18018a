import type { Principal } from '../contracts/principal.js'
import type { Connectable, Connection } from '../engine/connection.js'

/**
 * A client's end of a connection to a server in the same process. It has the shape of the official SDK's
 * `Transport`, so `client.connect(createMemoryTransport(server))` works with both of its major versions.
 */
export interface MemoryTransport {
  onmessage?: ((message: unknown, extra?: unknown) => void) | undefined
  onclose?: (() => void) | undefined
  onerror?: ((error: Error) => void) | undefined
  start(): Promise<void>
  send(message: object): Promise<void>
  close(): Promise<void>
}

/**
 * Connects to a server without a process or a socket. Messages are written to text and read again on both
 * ways, so that a test sees what a wire would carry. `principal` is who calls; without one it is nobody that is known.
 */
export function createMemoryTransport(
  server: Connectable,
  options: { readonly principal?: Principal } = {},
): MemoryTransport {
  let connection: Connection | undefined

  const transport: MemoryTransport = {
    async start() {
      connection ??= server.connect({
        ...options,
        transport: 'memory',
        send: (text) => {
          // As on a wire, the answer comes in a turn of its own.
          queueMicrotask(() => {
            const message: unknown = JSON.parse(text)
            transport.onmessage?.(message)
          })
        },
      })
    },
    async send(message) {
      if (connection === undefined)
        throw new Error('The memory transport is not started; call start() first.')
      connection.receive(JSON.stringify(message))
    },
    async close() {
      connection?.close()
      connection = undefined
      transport.onclose?.()
    },
  }
  return transport
}

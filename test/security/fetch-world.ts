import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach } from 'vitest'
import type { SafeFetchOptions } from '../../src/security/safe-fetch/options.js'
import { createSafeFetch, type SafeFetch } from '../../src/security/safe-fetch/safe-fetch.js'

export interface Origin {
  readonly port: number
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** How many requests reached it. */
  readonly requests: () => number
  close(): Promise<void>
}

/** A real HTTP server on all of this machine's addresses, or on one. */
export async function serveOrigin(listener: RequestListener, host = '127.0.0.1'): Promise<Origin> {
  let requests = 0
  const server = createServer((req, res) => {
    requests += 1
    listener(req, res)
  })
  await once(server.listen(0, host), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests: () => requests,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

export interface ConnectProxy {
  readonly url: string
  /** What it was asked to connect to: `93.184.216.34:80`. */
  readonly targets: string[]
  readonly authorizations: (string | undefined)[]
  close(): Promise<void>
}

/** A real HTTP proxy whose every tunnel ends at one origin, so that the public internet can be asked without being there. */
export async function serveProxy(origin: { port: number }): Promise<ConnectProxy> {
  const targets: string[] = []
  const authorizations: (string | undefined)[] = []
  const sockets = new Set<Socket>()
  const server = createServer((_req, res) => res.writeHead(501).end())
  server.on('connect', (req, near: Socket) => {
    targets.push(req.url ?? '')
    authorizations.push(req.headers['proxy-authorization'])
    const far = connect(origin.port, '127.0.0.1', () => {
      near.write('HTTP/1.1 200 OK\r\n\r\n')
      far.pipe(near).pipe(far)
    })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    targets,
    authorizations,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Counts every TCP socket that this process opens toward somewhere, whoever opens it. */
export function countSockets(): { opened: () => number; stop: () => void } {
  let opened = 0
  const count = (): void => {
    opened += 1
  }
  const sockets = channel('net.client.socket')
  sockets.subscribe(count)
  return { opened: () => opened, stop: () => void sockets.unsubscribe(count) }
}

type Handler = RequestListener

/** One origin for each test, and a safe fetch that may reach it. */
export function fetchingForFile(): {
  origin: () => Origin
  fetching: (options: SafeFetchOptions, handler: Handler) => SafeFetch
} {
  let handle: Handler
  let origin: Origin
  let safeFetch: SafeFetch | undefined
  beforeEach(async () => {
    origin = await serveOrigin((req, res) => handle(req, res))
  })
  afterEach(async () => {
    await safeFetch?.close()
    await origin.close()
  })
  return {
    origin: () => origin,
    fetching(options, handler) {
      handle = handler
      safeFetch = createSafeFetch({ allow: [`127.0.0.1:${origin.port}`], ...options })
      return safeFetch
    },
  }
}

/** What a client sent, whole. */
export async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of req) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks).toString()
}

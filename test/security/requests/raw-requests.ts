import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestServer } from 'holdfast/testing'
import { onTestFinished } from 'vitest'
import { RawConnection, type RawResponse } from '../../hostile/raw-http.js'
import { envelopeOf } from '../../protocol/support.js'

export const newest = '2026-07-28'
export const handshake = '2025-11-25'

/** Serves on a free port for the length of one test. */
export async function listen(server: TestServer): Promise<number> {
  const listener = createServer((req, res) => server.handler(req, res))
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    listener.closeAllConnections()
    await new Promise((resolve) => listener.close(resolve))
  })
  return (listener.address() as AddressInfo).port
}

export interface RawRequest {
  /** Default: `POST /mcp`. */
  readonly line?: string
  /** Whole lines, sent byte by byte as Latin-1; beside them go Host and what a POST needs. */
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
}

/** One request on a connection of its own, as the bytes it is given in. */
export async function send(port: number, request: RawRequest = {}): Promise<RawResponse> {
  const { line = 'POST /mcp', headers = [], body = '' } = request
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const head = [
    `${line} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Content-Type: application/json',
    'Accept: application/json, text/event-stream',
    `Content-Length: ${bytes.length}`,
    ...headers,
  ]
  const connection = new RawConnection(port)
  const [response] = await connection.exchange(
    Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]),
    { close: true, opens: true },
  )
  if (response === undefined) throw new Error('The server closed the connection without an answer.')
  return response
}

/** A request of the newest revision, with the headers that mirror it. */
export function stateless(method: string, params: object = {}): { headers: string[]; body: string } {
  const { name } = params as { name?: string }
  return {
    headers: [
      `MCP-Protocol-Version: ${newest}`,
      `Mcp-Method: ${method}`,
      ...(name === undefined ? [] : [`Mcp-Name: ${name}`]),
    ],
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: { ...params, ...envelopeOf(newest) } }),
  }
}

/** What opens a session. */
export function initialize(): string {
  const clientInfo = { name: 'me', version: '1' }
  const params = { protocolVersion: handshake, capabilities: {}, clientInfo }
  return JSON.stringify({ jsonrpc: '2.0', id: 'i', method: 'initialize', params })
}

import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect as connectSocket } from 'node:net'
import type { Server, ServerOptions } from 'holdfast'
import { expect } from 'vitest'
import { envelopeOf, testServer } from './support.js'

export const newest = '2026-07-28'

export function oneTool(options: Partial<ServerOptions> = {}): Server<Readonly<Record<string, unknown>>> {
  const { server } = testServer(options)
  server.tool('one', { description: 'One.' }, () => '1')
  return server
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** A request that `fetch` would not let a test send: any Host, any method. */
export function raw(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'POST', headers = {}, body } = options
    const req = httpRequest(url, { method, headers, agent: false }, (res) => {
      let text = ''
      res.setEncoding('utf8')
      res.on('data', (chunk: string) => {
        text += chunk
      })
      res.once('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }))
    })
    req.once('error', reject)
    req.end(body)
  })
}

/** A stateless list request: what a client that was never here before sends. */
export function listRequest(): { headers: Record<string, string>; body: string } {
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': newest,
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: envelopeOf(newest) }),
  }
}

/** Every refusal says why in a JSON-RPC body. */
export function expectRefusal(
  reply: { status: number; headers: IncomingHttpHeaders; text: string },
  status: number,
): void {
  expect([reply.status, reply.headers['content-type']]).toEqual([status, 'application/json'])
  expect(JSON.parse(reply.text)).toMatchObject({
    jsonrpc: '2.0',
    error: { code: expect.any(Number) as number, message: expect.stringMatching(/\w.*[.!?]$/) as string },
  })
}

/** Writes pieces to a socket and gives what came back until the server ended it or a full head arrived. */
export function speak(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => {
      answer += chunk
      if (/\r\n\r\n\{.*\}$/s.test(answer)) {
        socket.destroy()
        resolve(answer)
      }
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(answer))
    for (const piece of pieces) socket.write(piece)
  })
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'

export const audience = 'https://mcp.example.com/mcp'
export const issuer = 'https://idp.example.com'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** A listener on a free port of this machine, closed with the test. */
export async function listen(
  handler: Handler,
): Promise<{ readonly url: string; close(): Promise<void>; reopen(): Promise<void> }> {
  const server = createServer(handler)
  const open = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  await open(0)
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  onTestFinished(() => (server.listening ? close() : undefined))
  return { url: `http://127.0.0.1:${port}`, close, reopen: () => open(port) }
}

/** A clock that a test moves. */
export function handClock(): {
  now(): number
  monotonic(): number
  after(): () => void
  move(ms: number): void
} {
  let now = Date.now()
  return {
    now: () => now,
    monotonic: () => now,
    after: () => () => undefined,
    move: (ms) => {
      now += ms
    },
  }
}

export interface SigningKey {
  readonly kid: string
  readonly jwk: object
  sign(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

export async function signingKey(kid: string): Promise<SigningKey> {
  const pair = await generateKeyPair('ES256', { extractable: true })
  return {
    kid,
    jwk: { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' },
    sign: (claims = {}, header = {}) =>
      new SignJWT({
        sub: 'alice',
        iss: issuer,
        aud: audience,
        exp: Math.floor(Date.now() / 1000) + 3600,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid, ...header })
        .sign(pair.privateKey),
  }
}

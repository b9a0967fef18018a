import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AuthenticationResult, Authenticator, Credentials } from '../contracts/authenticator.js'
import { jwt } from './jwt.js'
import { signToken } from './sign-token.js'

const issuer = 'https://idp.example.com'
const audience = 'https://mcp.example.com/mcp'
const secret = randomBytes(48).toString('base64url')

/** A clock that a test moves. */
function handClock(): { now(): number; monotonic(): number; after(): () => void; move(ms: number): void } {
  let now = Date.UTC(2026, 0, 1)
  return {
    now: () => now,
    monotonic: () => now,
    after: () => () => undefined,
    move: (ms) => {
      now += ms
    },
  }
}

function bearer(token: string, headers: Readonly<Record<string, string>> = {}): Credentials {
  const all: Readonly<Record<string, string>> = { authorization: `Bearer ${token}`, ...headers }
  return { transport: 'http', header: (name) => all[name] }
}

const ask = async (auth: Authenticator, token: string): Promise<AuthenticationResult> =>
  auth.authenticate(bearer(token))

function encode(part: object | string): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}

let pair: Awaited<ReturnType<typeof generateKeyPair>>
let pem: string
beforeAll(async () => {
  pair = await generateKeyPair('RS256', { extractable: true })
  pem = await exportSPKI(pair.publicKey)
})

function make(clock = handClock()): {
  auth: Authenticator
  clock: ReturnType<typeof handClock>
  seconds: number
} {
  return { auth: jwt({ issuer, audience, publicKey: pem, clock }), clock, seconds: clock.now() / 1000 }
}

function signed(
  seconds: number,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const all = { iss: issuer, aud: audience, sub: 'alice', exp: seconds + 600, scope: 'a b', ...claims }
  return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
    .setProtectedHeader({ alg: 'RS256', ...header })
    .sign(pair.privateKey, header['crit'] === undefined ? {} : { crit: { 'x-mine': true } })
}

describe('jwt', () => {
  it('takes a token of its issuer, and reads who it is for and what it grants', async () => {
    const { auth, seconds } = make()
    const result = await ask(auth, await signed(seconds, { permissions: ['c'], scp: ['d'] }))
    expect(result).toMatchObject({
      ok: true,
      principal: { kind: 'user', issuer, subject: 'alice', expiresAt: (seconds + 600 + 30) * 1000 },
    })
    expect(result.ok && [...result.principal.permissions]).toEqual(['a', 'b', 'd', 'c'])
  })

  it('takes an audience among several, and calls a client by its own name a service', async () => {
    const { auth, seconds } = make()
    const token = await signed(seconds, {
      aud: ['https://other.example', audience],
      sub: 'app',
      client_id: 'app',
    })
    expect(await ask(auth, token)).toMatchObject({ ok: true, principal: { kind: 'service', subject: 'app' } })
  })

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['another issuer', { iss: 'https://idp.example.com/' }, /another issuer/],
    ['no issuer', { iss: undefined }, /another issuer/],
    ['issuers in a list', { iss: [issuer] }, /another issuer/],
    ['another audience', { aud: 'https://mcp.example.com' }, /not issued for this server/],
    ['no audience', { aud: undefined }, /not issued for this server/],
    ['an empty list of audiences', { aud: [] }, /not issued for this server/],
    ['an audience within a list in a list', { aud: [[audience]] }, /not issued for this server/],
    ['an audience as an object', { aud: { 0: audience } }, /not issued for this server/],
    ['audiences in one text', { aud: `https://other.example ${audience}` }, /not issued for this server/],
    ['a time long past', { exp: 1 }, /expired/],
    ['no exp', { exp: undefined }, /no time at which it expires/],
    ['an exp that is a text', { exp: '99999999999' }, /./],
    ['an nbf far ahead', { nbf: Date.UTC(2026, 0, 1) / 1000 + 61 }, /does not count yet/],
    ['no subject', { sub: undefined }, /names nobody/],
    ['a subject that is a list', { sub: ['alice'] }, /./],
    ['a key that its owner must prove (DPoP)', { cnf: { jkt: 'x' } }, /bound to a key/],
    [
      'more permissions than anybody needs',
      { scope: Array.from({ length: 1001 }, (_, n) => n).join(' ') },
      /more than/,
    ],
  ])('refuses a token with %s', async (_what, claims, why) => {
    const { auth, seconds } = make()
    const result = await ask(auth, await signed(seconds, claims))
    expect(result).toMatchObject({
      ok: false,
      status: 401,
      reason: 'invalid',
      message: expect.stringMatching(why) as string,
    })
  })

  it('lets clocks differ by the skew and no more, both ways', async () => {
    const { auth, seconds, clock } = make()
    expect(await ask(auth, await signed(seconds, { nbf: seconds + 29 }))).toMatchObject({ ok: true })
    expect(await ask(auth, await signed(seconds, { nbf: seconds + 31 }))).toMatchObject({ ok: false })
    const token = await signed(seconds, { exp: seconds + 10 })
    clock.move(39_000)
    expect(await ask(auth, token)).toMatchObject({ ok: true })
    // Also what is kept ends with the token.
    clock.move(1_000)
    expect(await ask(auth, token)).toMatchObject({ ok: false, message: 'The token has expired.' })
  })

  it('refuses tokens without a signature, in every spelling of "none"', async () => {
    const { auth, seconds } = make()
    const claims = encode({ iss: issuer, aud: audience, sub: 'alice', exp: seconds + 600 })
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', undefined, null, ['RS256'], { alg: 'RS256' }]) {
      for (const signature of ['', 'AA', 'e30']) {
        expect(await ask(auth, `${encode({ alg, typ: 'JWT' })}.${claims}.${signature}`)).toMatchObject({
          ok: false,
          status: 401,
          reason: 'invalid',
        })
      }
    }
  })

  it('refuses HS256 with the public key as the secret, however the key is written', async () => {
    const { auth, seconds } = make()
    const claims = encode({ iss: issuer, aud: audience, sub: 'alice', exp: seconds + 600 })
    const jwk = JSON.stringify(await exportJWK(pair.publicKey))
    for (const key of [pem, pem.trim(), pem.replaceAll('\n', ''), jwk]) {
      for (const [alg, digest] of [
        ['HS256', 'sha256'],
        ['HS512', 'sha512'],
      ] as const) {
        const input = `${encode({ alg, typ: 'JWT' })}.${claims}`
        const token = `${input}.${createHmac(digest, key).update(input).digest('base64url')}`
        expect(await ask(auth, token)).toMatchObject({
          ok: false,
          status: 401,
          message: expect.stringMatching(/algorithm/) as string,
        })
      }
    }
  })

  it('refuses the signature of another key, and goes by no key that the token brings along', async () => {
    const { auth, seconds } = make()
    const stranger = await generateKeyPair('RS256', { extractable: true })
    const jwk = await exportJWK(stranger.publicKey)
    for (const header of [
      {},
      { jwk },
      { jku: 'http://127.0.0.1:1/keys', kid: 'mine' },
      { x5u: 'http://169.254.169.254/latest', kid: '../../../../dev/null' },
      { kid: "' OR 1=1 --", x5c: ['MIIB'] },
    ]) {
      const token = await new SignJWT({ iss: issuer, aud: audience, sub: 'alice', exp: seconds + 600 })
        .setProtectedHeader({ alg: 'RS256', ...header })
        .sign(stranger.privateKey)
      expect(await ask(auth, token)).toMatchObject({ ok: false, status: 401, reason: 'invalid' })
    }
  })

  it('refuses what calls anything critical', async () => {
    const { auth, seconds } = make()
    const token = await signed(seconds, {}, { crit: ['x-mine'], 'x-mine': 1 })
    expect(await ask(auth, token)).toMatchObject({ ok: false, reason: 'invalid' })
    const b64 = await new SignJWT({ iss: issuer, aud: audience, sub: 'alice', exp: seconds + 600 })
      .setProtectedHeader({ alg: 'RS256', b64: true, crit: ['b64'] })
      .sign(pair.privateKey)
    expect(await ask(auth, b64)).toMatchObject({ ok: false, reason: 'invalid' })
  })

  it('refuses changed claims, headers and signatures', async () => {
    const { auth, seconds } = make()
    const [header = '', payload = '', signature = ''] = (await signed(seconds)).split('.')
    const admin = encode({ iss: issuer, aud: audience, sub: 'admin', exp: seconds + 600 })
    for (const token of [
      `${header}.${admin}.${signature}`,
      `${encode({ alg: 'RS512' })}.${payload}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -8)}`,
      `${header}.${payload}.AAAA`,
      `${encode('[]')}.${payload}.${signature}`,
      `${encode('{')}.${payload}.${signature}`,
      `${encode('null')}.${payload}.${signature}`,
    ]) {
      expect(await ask(auth, token)).toMatchObject({ ok: false, status: 401, reason: 'invalid' })
    }
  })

  it('looks at no token beyond 16 KiB, and tells none apart from garbage by throwing', async () => {
    const { auth } = make()
    const huge = `${'a'.repeat(8000)}.${'b'.repeat(8000)}.${'c'.repeat(8000)}`
    expect(auth.authenticate(bearer(huge))).toMatchObject({
      ok: false,
      reason: 'invalid',
      message: expect.stringMatching(/longer/) as string,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.tuple(fc.base64String(), fc.base64String(), fc.base64String()).map((parts) => parts.join('.')),
        ),
        async (text) => {
          const result = await auth.authenticate({ transport: 'http', header: () => text })
          expect(result).toMatchObject({ ok: false, status: 401 })
          const named = await ask(auth, text)
          expect(named).toMatchObject({ ok: false, status: 401 })
          if (text.length > 12 && !named.ok) expect(named.message).not.toContain(text)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('says whether a token is missing or does not count', async () => {
    const { auth } = make()
    const reason = async (header: string | undefined): Promise<string | undefined> => {
      const result = await auth.authenticate({ transport: 'http', header: () => header })
      return result.ok ? 'ok' : result.reason
    }
    expect(await reason(undefined)).toBe('missing')
    expect(await reason('')).toBe('missing')
    expect(await reason('Basic YTpi')).toBe('missing')
    for (const header of [
      'Bearer',
      'Bearer ',
      'Bearer a b',
      'bearer a,b',
      'Bearer é',
      'Bearer a.b.c, Bearer a.b.c',
      'Bearer "a"',
      'Bearer\ta',
    ]) {
      expect([header, await reason(header)]).toEqual([header, 'invalid'])
    }
  })

  it('answers the same principal at once while a token is kept, and keeps only its hash', async () => {
    const { auth, seconds, clock } = make()
    const token = await signed(seconds)
    const first = await ask(auth, token)
    const second = auth.authenticate(bearer(token))
    expect(second).toBe(first)
    expect(auth.recall?.(bearer(token))).toBe(first)
    expect(auth.bounded?.[0]?.stats()).toEqual({
      name: 'verified tokens',
      size: 1,
      limit: 10_000,
      unit: 'entries',
      dropped: 0,
    })
    clock.move(60_000)
    expect(auth.recall?.(bearer(token))).toBeUndefined()
    expect(auth.authenticate(bearer(token))).toBeInstanceOf(Promise)
  })

  it('gives one principal to whoever verified the same token at the same time', async () => {
    const { auth, seconds } = make()
    const token = await signed(seconds)
    const results = await Promise.all(Array.from({ length: 20 }, () => ask(auth, token)))
    expect(new Set(results).size).toBe(1)
  })

  it('keeps no more tokens than its limit', async () => {
    const clock = handClock()
    const auth = jwt({ issuer, audience, publicKey: pem, clock, maxVerified: 3 })
    for (let n = 0; n < 5; n += 1) await ask(auth, await signed(clock.now() / 1000, { sub: `user ${n}` }))
    expect(auth.bounded?.[0]?.stats()).toMatchObject({ size: 3, limit: 3, dropped: 2 })
  })

  it('leaves what a mistaken permissions function throws to the log of the server', async () => {
    const clock = handClock()
    const permissions = (): string[] => {
      throw new Error('mine')
    }
    const auth = jwt({ issuer, audience, publicKey: pem, clock, permissions })
    await expect(ask(auth, await signed(clock.now() / 1000))).rejects.toThrow('mine')
  })

  it('takes tokens of signToken with the same secret', async () => {
    const auth = jwt({ secret, audience })
    const token = await signToken({
      secret,
      audience,
      subject: 'alice',
      permissions: ['orders:read'],
      expiresIn: '5m',
    })
    const result = await ask(auth, token)
    expect(result).toMatchObject({ ok: true, principal: { issuer: 'holdfast', subject: 'alice' } })
    expect(result.ok && [...result.principal.permissions]).toEqual(['orders:read'])
    expect(auth.authorizationServers).toEqual([])
    expect(await ask(jwt({ secret: randomBytes(48).toString('hex'), audience }), token)).toMatchObject({
      ok: false,
    })
  })

  it('takes every asymmetric algorithm, and a key as JWK', async () => {
    for (const alg of ['RS384', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
      const keys = await generateKeyPair(alg, { extractable: true })
      const auth = jwt({ issuer, audience, publicKey: { ...(await exportJWK(keys.publicKey)) } })
      const token = await new SignJWT({ sub: 'alice' })
        .setProtectedHeader({ alg })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime('1h')
        .sign(keys.privateKey)
      expect([alg, (await ask(auth, token)).ok]).toEqual([alg, true])
    }
  })
})

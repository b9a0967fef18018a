import { introspection } from 'holdfast/auth'
import { describe, expect, it } from 'vitest'
import type { AuthenticationResult, Authenticator, Credentials } from '../../src/contracts/authenticator.js'
import { audience, handClock, issuer, listen } from './issuer.js'

const bearer = (token: string): Credentials => ({
  transport: 'http',
  header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
})
const ask = async (auth: Authenticator, token: string): Promise<AuthenticationResult> =>
  auth.authenticate(bearer(token))

async function world(more: object = {}) {
  const clock = handClock()
  const good = {
    active: true,
    sub: 'alice',
    scope: 'a b',
    aud: audience,
    exp: Math.floor(clock.now() / 1000) + 600,
  }
  const state = {
    answer: good as object,
    status: 200,
    headers: {} as Record<string, string>,
    asked: [] as { body: string; authorization: string | undefined }[],
  }
  const served = await listen((req, res) => {
    let body = ''
    req.on('data', (chunk) => {
      body += String(chunk)
    })
    req.on('end', () => {
      state.asked.push({ body, authorization: req.headers.authorization })
      res.writeHead(state.status, state.headers).end(JSON.stringify(state.answer))
    })
  })
  const auth = introspection({
    url: `${served.url}/introspect`,
    clientId: 'a:b',
    clientSecret: 'ü&=',
    issuer,
    audience,
    clock,
    ...more,
  })
  return { auth, state, served, clock, good }
}

describe('introspection', () => {
  it('asks the issuer, form-encoded on both levels, and keeps the answer for 30 s', async () => {
    const { auth, state, clock } = await world()
    const first = await ask(auth, 'opaque+/token==')
    expect(first).toMatchObject({ ok: true, principal: { issuer, subject: 'alice' } })
    expect(auth.authenticate(bearer('opaque+/token=='))).toBe(first)
    expect(state.asked).toEqual([
      {
        body: 'token=opaque%2B%2Ftoken%3D%3D&token_type_hint=access_token',
        authorization: `Basic ${Buffer.from('a%3Ab:%C3%BC%26%3D').toString('base64')}`,
      },
    ])
    clock.move(30_000)
    await ask(auth, 'opaque+/token==')
    expect(state.asked).toHaveLength(2)
  })

  it('keeps nothing beyond its expiry, and asks once for many at the same time', async () => {
    const { auth, state, clock, good } = await world()
    state.answer = { ...good, exp: Math.floor(clock.now() / 1000) + 10 }
    const results = await Promise.all(Array.from({ length: 200 }, () => ask(auth, 'token')))
    expect(new Set(results).size).toBe(1)
    expect(state.asked).toHaveLength(1)
    clock.move(11_000)
    expect(await ask(auth, 'token')).toMatchObject({
      ok: false,
      status: 401,
      message: 'The token has expired.',
    })
  })

  it.each<[string, object]>([
    ['is not active', { active: false }],
    ['is active as a text', { active: 'true' }],
    ['is of another issuer', { iss: 'https://other.example' }],
    ['is for another server', { aud: 'https://other.example' }],
    ['is for nobody', { aud: undefined }],
    ['has expired', { exp: 1 }],
    ['does not count yet', { nbf: 99_999_999_999 }],
    ['names nobody', { sub: undefined }],
  ])('refuses a token that %s', async (_what, change) => {
    const { auth, state, good } = await world()
    state.answer = { ...good, ...change }
    expect(await ask(auth, 'token')).toMatchObject({ ok: false, status: 401, reason: 'invalid' })
  })

  it('is a 503 while the endpoint is down, answers nonsense or redirects', async () => {
    const { auth, state, served, good } = await world()
    Object.assign(state, { status: 500 })
    expect(await ask(auth, 'token')).toMatchObject({
      ok: false,
      status: 503,
      retryAfterMs: expect.any(Number) as number,
    })
    Object.assign(state, { status: 200, answer: ['active'] })
    expect(await ask(auth, 'token')).toMatchObject({ ok: false, status: 503 })
    Object.assign(state, { status: 307, headers: { location: 'http://169.254.169.254/' }, answer: good })
    expect(await ask(auth, 'token')).toMatchObject({ ok: false, status: 503 })
    await served.close()
    expect(await ask(auth, 'token')).toMatchObject({ ok: false, status: 503 })
  })

  it('is the mistake of the operator when the endpoint refuses this server', async () => {
    const { auth, state } = await world()
    state.status = 401
    await expect(ask(auth, 'token')).rejects.toThrow('check "clientId" and "clientSecret"')
  })

  it('needs an audience, a short time to keep, and shows no secret', () => {
    const base = { url: 'https://idp.example.com/introspect', clientId: 'a', clientSecret: 'b', issuer }
    expect(() => introspection(base as never)).toThrow('"audience" must say what')
    expect(() => introspection({ ...base, audience, cacheTtl: '31s' })).toThrow('at most 30 s')
    expect(() => introspection({ ...base, audience, clientSecret: 12345 as never })).toThrow(
      /^introspection: "clientSecret" must be a text(?!.*12345)/,
    )
    expect(introspection({ ...base, audience: false }).authorizationServers).toEqual([issuer])
  })
})

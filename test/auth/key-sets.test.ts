import { jwt } from 'holdfast/auth'
import { describe, expect, it } from 'vitest'
import type { AuthenticationResult, Authenticator } from '../../src/contracts/authenticator.js'
import { audience, handClock, issuer, listen, signingKey } from './issuer.js'

const ask = async (auth: Authenticator, token: string): Promise<AuthenticationResult> =>
  auth.authenticate({
    transport: 'http',
    header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined),
  })

/** An issuer whose answer a test changes, and a server's authenticator for it. */
async function world(options: { timeoutMs?: number } = {}) {
  const state = {
    body: '' as string,
    status: 200,
    headers: {} as Record<string, string>,
    silent: false,
    fetches: 0,
  }
  const served = await listen((_req, res) => {
    state.fetches += 1
    if (state.silent) return
    res.writeHead(state.status, state.headers).end(state.body)
  })
  const clock = handClock()
  const auth = jwt({ issuer, audience, jwks: `${served.url}/jwks`, clock, fetch: options })
  const publish = (...keys: readonly { readonly jwk: object }[]): void => {
    state.body = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
  }
  return { state, served, clock, auth, publish }
}

describe('keys that are fetched', () => {
  it('are fetched once for 200 cold verifications, and for none after', async () => {
    const { auth, state, publish } = await world()
    const key = await signingKey('one')
    publish(key)
    const tokens = await Promise.all(Array.from({ length: 200 }, (_, n) => key.sign({ sub: `user ${n}` })))
    const results = await Promise.all(tokens.map((token) => ask(auth, token)))
    expect(results.every(({ ok }) => ok)).toBe(true)
    expect(state.fetches).toBe(1)
  })

  it('are not fetched again for a thousand key ids that do not exist', async () => {
    const { auth, state, publish, clock } = await world()
    const key = await signingKey('one')
    publish(key)
    const tokens = await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        key.sign({}, { kid: ['../../etc/passwd', 'http://evil.example/', '{}'][n % 4] ?? `made up ${n}` }),
      ),
    )
    const results = await Promise.all(tokens.map((token) => ask(auth, token)))
    expect(new Set(results.map((result) => (result.ok ? 200 : result.status)))).toEqual(new Set([401]))
    expect(state.fetches).toBe(1)
    clock.move(30_000)
    await Promise.all(tokens.map((token) => ask(auth, token)))
    expect(state.fetches).toBe(2)
  }, 30_000)

  it('change: a new key is found after the cool-down, and what an old one verified is forgotten', async () => {
    const { auth, state, publish, clock } = await world()
    const [old, next] = await Promise.all([signingKey('old'), signingKey('next')])
    publish(old)
    const token = await old.sign()
    expect(await ask(auth, token)).toMatchObject({ ok: true })
    publish(next)
    clock.move(30_000)
    // Still kept: nobody knows of the change yet.
    expect(auth.recall?.({ transport: 'http', header: () => `Bearer ${token}` })).toMatchObject({ ok: true })
    expect(await ask(auth, await next.sign())).toMatchObject({ ok: true })
    expect(auth.recall?.({ transport: 'http', header: () => `Bearer ${token}` })).toBeUndefined()
    expect(await ask(auth, token)).toMatchObject({ ok: false, status: 401, reason: 'invalid' })
    expect(state.fetches).toBe(2)
  })

  it('without an id are tried one after another', async () => {
    const { auth, publish } = await world()
    const all = await Promise.all(['a', 'b', 'c'].map((kid) => signingKey(kid)))
    publish(...all.map(({ jwk }) => ({ jwk: { ...jwk, kid: undefined } })))
    for (const key of all)
      expect(await ask(auth, await key.sign({}, { kid: undefined }))).toMatchObject({ ok: true })
    const stranger = await signingKey('a')
    expect(await ask(auth, await stranger.sign({}, { kid: undefined }))).toMatchObject({
      ok: false,
      status: 401,
    })
  })

  it('out of reach are a 503 with a time to wait, and one fetch for the cool-down', async () => {
    const { auth, served, state, publish, clock } = await world()
    const key = await signingKey('one')
    publish(key)
    await served.close()
    const tokens = await Promise.all(Array.from({ length: 20 }, () => key.sign()))
    const results = await Promise.all(tokens.map((token) => ask(auth, token)))
    for (const result of results) {
      expect(result).toMatchObject({ ok: false, status: 503, retryAfterMs: expect.any(Number) as number })
      expect(!result.ok && result.message).not.toContain('127.0.0.1')
    }
    await served.reopen()
    expect(await ask(auth, tokens[0] ?? '')).toMatchObject({ ok: false, status: 503 })
    expect(state.fetches).toBe(0)
    clock.move(5_000)
    expect(await ask(auth, tokens[0] ?? '')).toMatchObject({ ok: true })
  })

  it('that are known still count for an hour while their server is down, and then no longer', async () => {
    const { auth, served, publish, clock } = await world()
    const key = await signingKey('one')
    publish(key)
    const token = await key.sign({ exp: Math.floor(Date.now() / 1000) + 9_000 })
    expect(await ask(auth, token)).toMatchObject({ ok: true })
    await served.close()
    clock.move(30 * 60_000)
    expect(await ask(auth, token)).toMatchObject({ ok: true })
    // Whether a key that is not known exists, only the server that is down could say.
    expect(await ask(auth, await key.sign({}, { kid: 'newer' }))).toMatchObject({ ok: false, status: 503 })
    clock.move(31 * 60_000)
    expect(await ask(auth, token)).toMatchObject({ ok: false, status: 503 })
  })

  it.each<[string, (state: Awaited<ReturnType<typeof world>>['state']) => void]>([
    ['an error', (state) => Object.assign(state, { status: 500 })],
    ['no JSON', (state) => Object.assign(state, { body: '<html>' })],
    ['no key set', (state) => Object.assign(state, { body: '{"keys":"all"}' })],
    ['keys that are none', (state) => Object.assign(state, { body: '{"keys":[1,null]}' })],
    [
      'too many keys',
      (state) => Object.assign(state, { body: JSON.stringify({ keys: Array(101).fill({}) }) }),
    ],
    ['too much', (state) => Object.assign(state, { body: `{"keys":[],"x":"${'x'.repeat(300_000)}"}` })],
    ['nothing in time', (state) => Object.assign(state, { silent: true })],
    [
      'a redirect to the metadata of a cloud',
      (state) =>
        Object.assign(state, { status: 302, headers: { location: 'http://169.254.169.254/latest/' } }),
    ],
    [
      'a redirect to itself',
      (state) => Object.assign(state, { status: 307, headers: { location: '/other' } }),
    ],
  ])('that come as %s are a 503', async (_what, spoil) => {
    const { auth, state, publish } = await world({ timeoutMs: 300 })
    const key = await signingKey('one')
    publish(key)
    spoil(state)
    expect(await ask(auth, await key.sign())).toMatchObject({
      ok: false,
      status: 503,
      cause: expect.anything() as unknown,
    })
    expect(state.fetches).toBe(1)
  })

  it('of a symmetric kind verify nothing, whatever the token says', async () => {
    const { auth, publish } = await world()
    const k = Buffer.from('a secret that somebody put into a key set').toString('base64url')
    publish({ jwk: { kty: 'oct', k, kid: 'one', alg: 'HS256' } })
    const key = await signingKey('one')
    expect(await ask(auth, await key.sign())).toMatchObject({ ok: false, status: 401, reason: 'invalid' })
  })
})

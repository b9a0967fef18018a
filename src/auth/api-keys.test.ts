import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AuthenticationResult, Authenticator, Credentials } from '../contracts/authenticator.js'
import { apiKeys } from './api-keys.js'
import { firstOf } from './first-of.js'
import { jwt } from './jwt.js'
import { signToken } from './sign-token.js'

const drawn = (): string => randomBytes(24).toString('base64url')
const sha256 = (key: string): string => createHash('sha256').update(key).digest('hex')
const as = (headers: Readonly<Record<string, string>>): Credentials => ({
  transport: 'http',
  header: (name) => headers[name],
})
const bearer = (token: string): Credentials => as({ authorization: `Bearer ${token}` })

describe('apiKeys', () => {
  it('takes a key as bearer token or in its own header, given in clear or as hash', () => {
    const [one, two] = [drawn(), drawn()]
    const auth = apiKeys({
      keys: [
        { key: one, subject: 'ci', permissions: ['a'] },
        { sha256: sha256(two).toUpperCase(), subject: 'cron', kind: 'user' },
      ],
    })
    for (const credentials of [bearer(one), as({ 'x-api-key': one })]) {
      expect(auth.authenticate(credentials)).toMatchObject({
        ok: true,
        principal: { kind: 'service', issuer: 'api-keys', subject: 'ci' },
      })
      expect(auth.authenticate(credentials)).toBe(auth.authenticate(bearer(one)))
    }
    expect(auth.authenticate(bearer(two))).toMatchObject({
      ok: true,
      principal: { kind: 'user', subject: 'cron' },
    })
  })

  it('refuses what is near to a key, its hash, and what is no key', () => {
    const key = drawn()
    const auth = apiKeys({ keys: [{ key, subject: 'ci' }] })
    for (const wrong of [
      key.slice(0, -1),
      `${key}x`,
      key.toUpperCase(),
      sha256(key),
      `${key}, ${key}`,
      'é',
      '__proto__',
      'x'.repeat(20_000),
    ]) {
      expect(auth.authenticate(as({ 'x-api-key': wrong }))).toMatchObject({
        ok: false,
        status: 401,
        reason: 'invalid',
      })
    }
    expect(auth.authenticate(as({}))).toMatchObject({ ok: false, status: 401, reason: 'missing' })
    expect(auth.authenticate(as({ authorization: 'Basic YTpi' }))).toMatchObject({ reason: 'missing' })
  })

  it('counts what changes from the next request on', () => {
    const [one, two, three] = [drawn(), drawn(), drawn()]
    const auth = apiKeys({
      keys: [
        { key: one, subject: 'ci' },
        { key: two, subject: 'ci' },
      ],
    })
    const before = auth.authenticate(bearer(one))
    expect(auth.remove('nobody')).toBe(false)
    auth.add({ key: three, subject: 'cron', id: 'third' })
    expect(auth.authenticate(bearer(three))).toMatchObject({ ok: true })
    expect(auth.remove('third')).toBe(true)
    expect(auth.authenticate(bearer(three))).toMatchObject({ ok: false })
    auth.replace([{ key: one, subject: 'ci' }])
    expect(auth.authenticate(bearer(one))).toBe(before)
    expect(auth.authenticate(bearer(two))).toMatchObject({ ok: false })
    expect(() => auth.replace([{ key: 'short', subject: 'ci' }])).toThrow('has 5 characters')
    expect(auth.authenticate(bearer(one))).toBe(before)
    expect(auth.remove('ci')).toBe(true)
    expect(auth.authenticate(bearer(one))).toMatchObject({ ok: false })
    expect(auth.bounded?.[0]?.stats()).toMatchObject({ name: 'API keys', size: 0 })
  })

  it('refuses a key that has expired', () => {
    const key = drawn()
    const auth = apiKeys({ keys: [{ key, subject: 'ci', expiresAt: Date.now() - 1 }] })
    expect(auth.authenticate(bearer(key))).toMatchObject({ ok: false, message: 'The API key has expired.' })
  })

  it('looks keys up by their hash, each time anew', async () => {
    const key = drawn()
    const known = new Map([[sha256(key), { subject: 'ci', permissions: ['a'] }]])
    const auth = apiKeys({ lookup: async (hash) => known.get(hash) })
    expect(await auth.authenticate(bearer(key))).toMatchObject({ ok: true, principal: { subject: 'ci' } })
    expect(await auth.authenticate(bearer(drawn()))).toMatchObject({ ok: false, reason: 'invalid' })
    known.clear()
    expect(await auth.authenticate(bearer(key))).toMatchObject({ ok: false })
  })

  it('refuses options that cannot work, and shows no key', () => {
    const key = drawn()
    expect(() => apiKeys({})).toThrow('either "keys" or "lookup"')
    expect(() => apiKeys({ keys: [], lookup: () => undefined })).toThrow('either "keys" or "lookup"')
    for (const keys of [
      [{ key: `changeme-changeme-changeme`, subject: 'ci' }],
      [
        { key, subject: 'a' },
        { key, subject: 'b' },
      ],
      [{ key, sha256: sha256(key), subject: 'a' }],
      [{ sha256: key, subject: 'a' }],
      [{ subject: 'a' }],
      [{ key }],
      [{ key, subject: 'a', permissions: 'all' }],
    ]) {
      let said = ''
      try {
        apiKeys({ keys: keys as never })
      } catch (error) {
        said = (error as Error).message
      }
      expect(said).toMatch(/^apiKeys: .*\.$/)
      expect(said).not.toContain(key)
      expect(said).not.toContain('changeme')
    }
  })
})

describe('firstOf', () => {
  const failing = (failure: object): Authenticator => ({
    authenticate: () => ({ ok: false, status: 401, message: 'm', ...failure }) as AuthenticationResult,
  })
  const later = (failure: object): Authenticator => ({
    authenticate: async () => failing(failure).authenticate(bearer('x')),
  })

  it('lets in whom the first that can lets in, at once where all answer at once', async () => {
    const [key, secret] = [drawn(), randomBytes(48).toString('hex')]
    const auth = firstOf(jwt({ secret, audience: 'me' }), apiKeys({ keys: [{ key, subject: 'ci' }] }))
    expect(auth.authenticate(bearer(key))).toMatchObject({ ok: true, principal: { subject: 'ci' } })
    const token = await signToken({ secret, audience: 'me', subject: 'alice' })
    expect(await auth.authenticate(bearer(token))).toMatchObject({
      ok: true,
      principal: { subject: 'alice' },
    })
    expect(auth.authenticate(bearer(token))).toMatchObject({ ok: true })
    expect(auth.recall?.(bearer(token))).toMatchObject({ ok: true })
    expect(auth.bounded?.map((one) => one.stats().name)).toEqual(['verified tokens', 'API keys'])
  })

  it('says of a signed token what is wrong with it, and of a key that it is not known', async () => {
    const secret = randomBytes(48).toString('hex')
    for (const auth of [
      firstOf(jwt({ secret, audience: 'me' }), apiKeys({ keys: [] })),
      firstOf(apiKeys({ keys: [] }), jwt({ secret, audience: 'me' })),
    ]) {
      const token = await signToken({ secret, audience: 'you', subject: 'alice' })
      expect(await auth.authenticate(bearer(token))).toMatchObject({
        message: 'The token was not issued for this server.',
      })
      expect(await auth.authenticate(bearer(drawn()))).toMatchObject({ message: 'The API key is not known.' })
      expect(await auth.authenticate(as({}))).toMatchObject({ reason: 'missing' })
    }
  })

  it.each([false, true])(
    'gives the gravest failure, whatever the order (asynchronous: %s)',
    async (isLater) => {
      const make = isLater ? later : failing
      const ranked = [
        { reason: 'missing' },
        { reason: 'invalid', unrecognised: true },
        { reason: 'invalid' },
        { status: 429 },
        { status: 503 },
      ]
      for (const [at, grave] of ranked.entries()) {
        for (const light of ranked.slice(0, at)) {
          expect(await firstOf(make(grave), make(light)).authenticate(bearer('x'))).toMatchObject(grave)
          expect(await firstOf(make(light), make(grave)).authenticate(bearer('x'))).toMatchObject(grave)
        }
      }
    },
  )

  it('ends with one that knows the caller and does not want it', async () => {
    const anybody: Authenticator = { authenticate: () => ({ ok: true, principal: {} as never }) }
    expect(await firstOf(failing({ status: 403 }), anybody).authenticate(bearer('x'))).toMatchObject({
      status: 403,
    })
    expect(await firstOf(later({ status: 403 }), anybody).authenticate(bearer('x'))).toMatchObject({
      status: 403,
    })
    expect(await firstOf(later({ status: 503 }), anybody).authenticate(bearer('x'))).toMatchObject({
      ok: true,
    })
    expect(() => firstOf()).toThrow('at least one')
  })
})

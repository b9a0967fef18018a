import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import { jwt } from './jwt.js'

const issuer = 'https://idp.example.com'
const audience = 'https://mcp.example.com/mcp'
const secret = randomBytes(48).toString('base64url')

describe('options of jwt', () => {
  const refusal = (options: object): string => {
    try {
      jwt(options as never)
    } catch (error) {
      if (DefinitionError.is(error)) return (error as Error).message
      throw error
    }
    return 'taken'
  }
  const base = { issuer, audience }

  it.each<[string, object, RegExp]>([
    ['no audience', { issuer, publicKey: 'x' }, /"audience" must say what/],
    ['an empty audience', { issuer, audience: '', secret }, /"audience"/],
    ['no audience in the list', { issuer, audience: [], secret }, /"audience" must say what/],
    ['no issuer', { audience, jwks: 'https://idp.example.com/jwks' }, /"issuer" must say whose/],
    ['no key', base, /exactly one of "jwks", "publicKey" and "secret"/],
    ['two keys', { ...base, secret, jwks: 'https://idp.example.com/jwks' }, /exactly one/],
    ['keys over http', { ...base, jwks: 'http://idp.example.com/jwks' }, /must be an https address/],
    ['keys at no address', { ...base, jwks: true }, /must be an https address/],
    [
      'keys with a password in the address',
      { ...base, jwks: 'https://a:b@idp.example.com/' },
      /must be an https address/,
    ],
    [
      'HS256 beside a key set',
      { ...base, jwks: 'https://idp.example.com/jwks', algorithms: ['RS256', 'HS256'] },
      /"algorithms" must be some of RS256.*received "HS256"/,
    ],
    [
      'RS256 beside a secret',
      { audience, secret, algorithms: ['RS256'] },
      /"algorithms" must be some of HS256/,
    ],
    ['no algorithm', { audience, secret, algorithms: [] }, /received none/],
    ['alg none', { ...base, jwks: 'https://idp.example.com/jwks', algorithms: ['none'] }, /"algorithms"/],
    [
      'too short a secret for HS512',
      { audience, secret: secret.slice(0, 40), algorithms: ['HS512'] },
      /has 40 characters, and needs at least 64/,
    ],
    ['clocks that differ much', { audience, secret, clockSkew: '5m' }, /at most 60 s/],
    ['a scope for everything', { audience, secret, scopes: ['*'] }, /too much/],
    ['offline_access', { audience, secret, scopes: ['offline_access'] }, /too much/],
    ['a scope with a quote', { audience, secret, scopes: ['a"b'] }, /scope without spaces and quotes/],
    ['a misspelt option', { audience, secret, verifyedTtl: '1m' }, /use "verifiedTtl"/],
    ['an option from elsewhere', { ...base, jwksUri: 'https://idp.example.com/jwks' }, /use "jwks"/],
    ['garbage for a key', { ...base, publicKey: 'ssh-rsa AAAA' }, /must be a public key as PEM or JWK/],
  ])('refuse %s', (_what, options, why) => {
    expect(refusal(options)).toMatch(why)
  })

  it('refuse a private key, a secret one and a short one, and show none of them', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const text = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const jwk = privateKey.export({ format: 'jwk' })
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
    for (const publicKey of [text, jwk, { kty: 'oct', k: 'AAAA' }]) {
      expect(refusal({ ...base, publicKey })).toMatch(/must be the public key/)
      expect(refusal({ ...base, publicKey })).not.toContain(String(jwk.d))
    }
    expect(refusal({ ...base, publicKey: short.export({ format: 'pem', type: 'spki' }).toString() })).toMatch(
      /at least 2048 bits, received 1024/,
    )
  })

  it.each([
    'secret',
    'changeme',
    'x'.repeat(64),
    'abcabcabcabcabcabcabcabcabcabcabcabc',
    '0123456789abcdefghijklmnopqrstuvwxyz',
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ',
    'your-256-bit-secret-goes-here-please',
    'a-string-secret-at-least-256-bits-long',
    'change-me-in-production-please-please',
    'my_super_secret_jwt_signing_key_for_dev',
    'supersecretpasswordsupersecretpassword1',
    'this is the default secret, replace it!',
  ])('refuse the secret %s, and never show it', (weak) => {
    const said = refusal({ audience, secret: weak })
    expect(said).toMatch(/^The secret that tokens are signed with /)
    expect(said.replaceAll('signed with', '').toLowerCase()).not.toContain(
      weak.length > 10 ? weak.toLowerCase() : 'changeme',
    )
  })

  it('take every secret that was drawn', () => {
    const drawn = fc.tuple(
      fc.uint8Array({ minLength: 16, maxLength: 64 }).map((seed) => createHmac('sha512', seed).digest()),
      fc.constantFrom('hex', 'base64', 'base64url'),
      fc.integer({ min: 16, max: 64 }),
    )
    fc.assert(
      fc.property(drawn, ([bytes, encoding, length]) => {
        const text = bytes.subarray(0, length).toString(encoding as 'hex')
        if (text.length >= 32) expect(refusal({ audience, secret: text })).toBe('taken')
      }),
      { numRuns: 2000 },
    )
  })
})

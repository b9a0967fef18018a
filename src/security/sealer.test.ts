import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import { checkSecrets, createSealer, minKeyLength, randomSecret } from './sealer.js'

const first = 'the first secret, of more than 32 characters'
const second = 'the second secret, of more than 32 characters'
const foreign = 'the secret of another server, which is long too'

const sealer = createSealer(() => [first])

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('createSealer', () => {
  it('opens what it sealed, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 200 }), async (text) => {
        const token = await sealer.seal('cursor', text)
        expect(token).toMatch(/^[A-Za-z0-9_-]+$/)
        expect(await sealer.open('cursor', token)).toBe(text)
      }),
      { numRuns: 60 },
    )
  })

  it('shows nothing of the text, and never makes the same token twice', async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, () => sealer.seal('cursor', 'page 2')))
    expect(new Set(tokens).size).toBe(100)
    for (const token of tokens) {
      expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('page')
    }
  })

  // Texts of three lengths, because base64 leaves 0, 2 or 4 bits of the last character unused.
  it.each(['a', 'ab', 'abc'])('opens no token that was changed in any character (%s)', async (text) => {
    const token = await sealer.seal('session', text)
    for (let at = 0; at < token.length; at += 1) {
      for (const char of at === token.length - 1
        ? alphabet
        : [token[at] === 'A' ? 'B' : 'A', '=', '+', ' ']) {
        if (char === token[at]) continue
        const changed = token.slice(0, at) + char + token.slice(at + 1)
        expect([changed, await sealer.open('session', changed)]).toEqual([changed, undefined])
      }
    }
    expect(await sealer.open('session', token)).toBe(text)
  })

  it('opens no token that was cut, lengthened, joined or put in another order', async () => {
    const token = await sealer.seal('session', 'facts')
    const other = await sealer.seal('session', 'other')
    for (let length = 0; length < token.length; length += 1) {
      expect(await sealer.open('session', token.slice(0, length))).toBeUndefined()
    }
    const faulty = [
      ...['A', 'AA', 'AAA', 'AAAA', '=', '==', '\n', token].map((more) => token + more),
      ` ${token}`,
      token.slice(0, 20) + other.slice(20),
      [...token].reverse().join(''),
      '世界'.repeat(20),
      '\0',
    ]
    for (const one of faulty) expect([one, await sealer.open('session', one)]).toEqual([one, undefined])
  })

  it('opens nothing that was sealed for another purpose', async () => {
    const token = await sealer.seal('session', 'facts')
    for (const purpose of ['cursor', 'sessions', 'Session', '', ' session']) {
      expect(await sealer.open(purpose, token)).toBeUndefined()
    }
  })

  it('opens nothing of a server with another secret', async () => {
    const token = await createSealer(() => [foreign]).seal('session', 'facts')
    expect(await sealer.open('session', token)).toBeUndefined()
    expect(await createSealer(() => [first, foreign]).open('session', token)).toBe('facts')
  })

  it('seals with the first secret and opens with all, so that secrets can be rotated', async () => {
    const before = createSealer(() => [first])
    const between = createSealer(() => [second, first])
    const after = createSealer(() => [second])
    const old = await before.seal('session', 'facts')
    const fresh = await between.seal('session', 'facts')
    expect(await between.open('session', old)).toBe('facts')
    expect(await between.open('session', fresh)).toBe('facts')
    expect(await after.open('session', fresh)).toBe('facts')
    expect(await after.open('session', old)).toBeUndefined()
    expect(await before.open('session', fresh)).toBeUndefined()
    expect(fresh.slice(0, 4)).toBe((await after.seal('session', '')).slice(0, 4))
  })

  it('asks for the secrets once, and only for the first token', async () => {
    let asked = 0
    const lazy = createSealer(async () => {
      asked += 1
      return [first]
    })
    expect(asked).toBe(0)
    const tokens = await Promise.all([1, 2, 3].map((n) => lazy.seal('cursor', String(n))))
    for (const token of tokens) await lazy.open('cursor', token)
    expect(asked).toBe(1)
  })

  it('says so when there is no secret to seal with', async () => {
    const none = createSealer(() => [])
    await expect(none.seal('cursor', '')).rejects.toThrow('There is no sealing key.')
    expect(await none.open('cursor', await sealer.seal('cursor', ''))).toBeUndefined()
  })
})

describe('checkSecrets', () => {
  it('takes secrets of 32 characters and those that it makes itself', () => {
    expect(() => checkSecrets(['x'.repeat(minKeyLength), randomSecret()])).not.toThrow()
    expect(randomSecret()).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(randomSecret()).not.toBe(randomSecret())
  })

  it('refuses a short one by its place, and never shows it', () => {
    const short = 'hunter2'.repeat(4)
    const check = (): void => checkSecrets([first, short])
    expect(check).toThrow(DefinitionError)
    expect(check).toThrow(/^"keys\[1\]" is too short; use at least 32 random characters/)
    expect(check).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hunter2') }))
  })

  it('refuses none at all, and what is no text', () => {
    expect(() => checkSecrets([])).toThrow(/^"keys" is empty/)
    expect(() => checkSecrets(JSON.parse('[12345678901234567890123456789012]'))).toThrow(/^"keys\[0\]"/)
  })
})

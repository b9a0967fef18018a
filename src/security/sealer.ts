import type { Sealer } from '../contracts/sealer.js'
import { DefinitionError } from '../errors/definition-error.js'

/** 96 bits, as NIST SP 800-38D §5.2.1.1 recommends for GCM. */
const ivBytes = 12
/** Characters of a key's name in a token; it only chooses among a handful of keys. */
const keyNameLength = 4
/** Shorter secrets can be guessed; 32 random bytes as base64 have 43 characters. */
export const minKeyLength = 32

/** Named through its user, because not every runtime's types have the global name. */
type CryptoKey = Parameters<typeof crypto.subtle.encrypt>[1]

interface SealingKey {
  readonly name: string
  readonly secret: CryptoKey
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/**
 * AES-256-GCM under keys derived by HKDF-SHA-256 (RFC 5869), one for each purpose. The first secret seals;
 * all of them open, so keys can be rotated without a token lost. A token is
 * `base64url(key name | iv | ciphertext and tag)`.
 *
 * Works wherever Web Crypto does: Node, Deno, Bun, Workers. `secrets` is asked once, for the first token.
 */
export function createSealer(secrets: () => readonly string[] | Promise<readonly string[]>): Sealer {
  // Loading cryptography costs more than anything else at start-up, so it waits for the first token.
  let loading: Promise<readonly SealingKey[]> | undefined
  const load = (): Promise<readonly SealingKey[]> => {
    loading ??= (async () => Promise.all((await secrets()).map(loadKey)))().catch((error: unknown) => {
      // A key source that is out of reach now may be there for the next token.
      loading = undefined
      throw error
    })
    return loading
  }
  /** Purposes are few and ours, so this cannot grow with traffic. */
  const derived = new Map<string, Promise<CryptoKey>>()

  function keyFor(key: SealingKey, purpose: string): Promise<CryptoKey> {
    const id = `${key.name} ${purpose}`
    let made = derived.get(id)
    if (made === undefined) {
      made = crypto.subtle.deriveKey(
        {
          name: 'HKDF',
          hash: 'SHA-256',
          salt: new Uint8Array(),
          info: encoder.encode(`holdfast ${purpose}`),
        },
        key.secret,
        { name: 'AES-GCM', length: 256 },
        false,
        ['encrypt', 'decrypt'],
      )
      derived.set(id, made)
    }
    return made
  }

  return {
    async seal(purpose, data) {
      const [key] = await load()
      if (key === undefined) throw new Error('There is no sealing key.')
      const iv = crypto.getRandomValues(new Uint8Array(ivBytes))
      const sealed = await crypto.subtle.encrypt(
        { name: 'AES-GCM', iv },
        await keyFor(key, purpose),
        encoder.encode(data),
      )
      return key.name + toBase64Url(iv) + toBase64Url(new Uint8Array(sealed))
    },

    async open(purpose, token) {
      const key = (await load()).find((candidate) => token.startsWith(candidate.name))
      const ivEnd = keyNameLength + (ivBytes * 4) / 3
      const iv = fromBase64Url(token.slice(keyNameLength, ivEnd))
      const sealed = fromBase64Url(token.slice(ivEnd))
      if (key === undefined || iv === undefined || sealed === undefined || iv.length !== ivBytes)
        return undefined
      try {
        const data = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, await keyFor(key, purpose), sealed)
        return decoder.decode(data)
      } catch {
        return undefined
      }
    },
  }
}

async function loadKey(secret: string): Promise<SealingKey> {
  const bytes = encoder.encode(secret)
  // The name is a hash under its own label, so that it tells nothing of the keys derived from the secret.
  const digest = await crypto.subtle.digest('SHA-256', encoder.encode(`holdfast key name ${secret}`))
  return {
    name: toBase64Url(new Uint8Array(digest)).slice(0, keyNameLength),
    secret: await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey']),
  }
}

/** @throws DefinitionError when there is no secret, or one shorter than 32 characters. */
export function checkSecrets(secrets: readonly string[]): void {
  if (secrets.length === 0) {
    throw new DefinitionError('"keys" is empty; give at least one secret, or leave it out.')
  }
  for (const [index, secret] of secrets.entries()) {
    if (typeof secret !== 'string' || secret.length < minKeyLength) {
      throw new DefinitionError(
        `"keys[${index}]" is too short; use at least ${minKeyLength} random characters, such as those of "openssl rand -base64 32".`,
      )
    }
  }
}

/** A fresh secret, of 256 bits. */
export function randomSecret(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)))
}

function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0))
    // The last character may hold unused bits; taking any would give one token many spellings (RFC 4648 §3.5).
    return toBase64Url(bytes) === text ? bytes : undefined
  } catch {
    return undefined
  }
}

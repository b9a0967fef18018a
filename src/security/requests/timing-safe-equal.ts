import { createHash, timingSafeEqual as equalDigests } from 'node:crypto'

const loneSurrogate = /\p{Cs}/u

/**
 * Whether two secrets are the same: API keys, signatures, one-time codes. A text is compared as its UTF-8 bytes.
 *
 * `===` stops at the first character that differs, so its time tells how much of a guess was right. Here the SHA-256
 * digests are compared in constant time: what differs in them says nothing of what differs in the secrets, and unlike
 * `crypto.timingSafeEqual` it takes values of different lengths. Only the time to hash each value depends on its length, which
 * a caller knows of its own value; the length of a secret is no secret.
 */
export function timingSafeEqual(a: string | Uint8Array, b: string | Uint8Array): boolean {
  return equalDigests(digest(a), digest(b))
}

function digest(value: string | Uint8Array): Uint8Array {
  if (typeof value !== 'string') return createHash('sha256').update('u8').update(value).digest()
  // UTF-8 has one substitute for every half of a pair, so texts that differ would become the same.
  const isText = !loneSurrogate.test(value)
  return createHash('sha256')
    .update(isText ? 'u8' : 'u16')
    .update(value, isText ? 'utf8' : 'utf16le')
    .digest()
}

import type { AuthenticationFailure, Credentials } from '../contracts/authenticator.js'

/**
 * The longest token that is looked at, in characters. Node takes 16 KiB for all headers together; elsewhere nobody else
 * bounds what is hashed and parsed here.
 */
export const maxTokenLength: number = 16 * 1024

/** RFC 6750 §2.1, b64token; the scheme's name is not case-sensitive (RFC 9110 §11.1). */
const bearer = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i

export const missing: AuthenticationFailure = Object.freeze({
  ok: false,
  status: 401,
  reason: 'missing',
  message: 'This server needs to know who is calling; send a token as "Authorization: Bearer <token>".',
})

const malformed = invalid(
  'The Authorization header must be "Bearer", a space and one token, and holds something else.',
)

const tooLong = invalid(`The token is longer than ${maxTokenLength} characters.`)

/** Credentials that do not count. The sentence is public, so it repeats nothing of them. */
export function invalid(message: string): AuthenticationFailure {
  return Object.freeze({ ok: false, status: 401, reason: 'invalid', message })
}

/** It cannot be told who is calling, because somebody who has to be asked does not answer. */
export function unavailable(message: string, retryAfterMs: number, cause?: unknown): AuthenticationFailure {
  return { ok: false, status: 503, message, retryAfterMs, cause }
}

/**
 * The token of `Authorization: Bearer`, or why there is none. Tokens are read from this header alone: one in the URL ends up
 * in logs and histories (2025-06-18 and later, basic/authorization, "Token Requirements").
 */
export function bearerToken(credentials: Credentials): string | AuthenticationFailure {
  const header = credentials.header('authorization')
  if (header === undefined || header === '') return missing
  // The space and the scheme's name come on top.
  if (header.length > maxTokenLength + 8) return tooLong
  const token = bearer.exec(header)?.[1]
  if (token !== undefined) return token
  // RFC 6750 §3.1: another scheme is no failed attempt, so the challenge names no error.
  return /^bearer(?:$|[\s,])/i.test(header) ? malformed : missing
}

/** Who is calling. Two principals are the same when `issuer` and `subject` are. */
export interface Principal {
  readonly kind: 'anonymous' | 'user' | 'service'
  readonly issuer: string
  readonly subject: string
  readonly permissions: ReadonlySet<string>
  /** What the credential said beyond that, as the authenticator read it. */
  readonly claims: Readonly<Record<string, unknown>>
  /** Milliseconds since 1970 from which its permissions count no more; undefined: as long as it is connected. */
  readonly expiresAt?: number
}

export const anonymous: Principal = Object.freeze({
  kind: 'anonymous',
  issuer: '',
  subject: '',
  permissions: new Set<string>(),
  claims: Object.freeze({}),
})

/** One string that is equal for two principals exactly when they are the same one. */
export function principalKey(principal: Principal): string {
  return principal.kind === 'anonymous' ? '' : JSON.stringify([principal.issuer, principal.subject])
}

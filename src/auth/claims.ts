import type { Principal } from '../contracts/principal.js'

export type Claims = Readonly<Record<string, unknown>>

/** A granted name longer than this, or more names than that, is no permission list but an attack on memory. */
const mostPermissions = 1000

/**
 * The permissions of a token where its author says nothing else: `scope` (RFC 8693 §4.2, RFC 9068 §2.2.3), and the lists
 * `scp` and `permissions` that large identity providers write instead.
 */
export function grantedBy(claims: Claims): readonly string[] {
  return [...words(claims['scope']), ...words(claims['scp']), ...words(claims['permissions'])]
}

function words(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return claim.split(' ').filter((word) => word !== '')
  if (Array.isArray(claim)) return claim.filter((word) => typeof word === 'string' && word !== '')
  return []
}

export interface PrincipalRules {
  readonly issuer: string
  readonly permissions: (claims: Claims) => readonly string[] | ReadonlySet<string>
  /** Milliseconds after `exp` for which a token still counts. */
  readonly leewayMs: number
}

/** Who the claims name; undefined where they name nobody, or grant more than anybody needs. */
export function principalOf(claims: Claims, rules: PrincipalRules): Principal | undefined {
  const client = text(claims['client_id']) ?? text(claims['azp'])
  const subject = text(claims['sub']) ?? client
  if (subject === undefined) return undefined
  const granted: unknown = rules.permissions(claims)
  // A text would become a set of letters.
  if (typeof granted === 'string') {
    throw new TypeError('"permissions" must return a list of permissions, received a text; return [text].')
  }
  const permissions = new Set(granted as Iterable<string>)
  if (permissions.size > mostPermissions) return undefined
  const { exp } = claims
  return {
    // RFC 9068 §2.2: a token that a client got for itself has the client as its subject.
    kind: subject === client ? 'service' : 'user',
    issuer: rules.issuer,
    subject,
    permissions,
    claims,
    ...(typeof exp === 'number' && { expiresAt: exp * 1000 + rules.leewayMs }),
  }
}

function text(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' ? claim : undefined
}

import { randomBytes } from 'node:crypto'
import type { Authenticator } from 'holdfast'
import { jwt, signToken } from 'holdfast/auth'

/** What every caller needs who wants anything at all of a desk that asks for tokens. */
export const readPermission = 'datasets:read'

/** Datasets about persons, which callers see only with a permission of their own. */
export const peoplePermission = 'people:read'
export const peopleDatasets: ReadonlySet<string> = new Set(['people'])

export interface Tokens {
  readonly auth: Authenticator
  /** A token that sees all but the people, and one that sees these too. */
  readonly reader: string
  readonly people: string
}

const audience = 'data-desk'

/**
 * Makes tokens for development and what takes them. `secret` outlives a restart, at least 32 characters; without one tokens count
 * until the process ends.
 * @throws {DefinitionError} for a secret that can be guessed.
 */
export async function issueTokens(secret: string = randomBytes(32).toString('base64url')): Promise<Tokens> {
  const sign = (subject: string, permissions: readonly string[]): Promise<string> =>
    signToken({ secret, audience, subject, permissions, expiresIn: '12h' })
  return {
    auth: jwt({ secret, audience, scopes: [readPermission] }),
    reader: await sign('reader', [readPermission]),
    people: await sign('people', [readPermission, peoplePermission]),
  }
}

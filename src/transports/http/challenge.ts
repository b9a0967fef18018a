/** RFC 6749 §3.3: of what a scope consists. A permission that is none cannot be asked for at an authorization server. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

export interface Challenge {
  /** Where the metadata of RFC 9728 stands. */
  readonly metadata: string | undefined
  readonly scopes: readonly string[]
  /** RFC 6750 §3.1. Absent when no credentials came: then there is no error to tell. */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  readonly description?: string
}

/** `WWW-Authenticate` as RFC 6750 §3 and RFC 9728 §5.1 have it. */
export function challengeText({ metadata, scopes, error, description }: Challenge): string {
  const scope = scopes.filter((one) => scopeToken.test(one)).join(' ')
  const params = [
    ...(error === undefined ? [] : [`error="${error}"`]),
    ...(description === undefined ? [] : [`error_description="${quoted(description)}"`]),
    ...(scope === '' ? [] : [`scope="${scope}"`]),
    ...(metadata === undefined ? [] : [`resource_metadata="${metadata}"`]),
  ]
  // RFC 6750 §3: the scheme is followed by at least one parameter.
  return `Bearer ${params.length === 0 ? 'realm="mcp"' : params.join(', ')}`
}

/** RFC 6750 §3: the characters of a description, which leave out the quote and the backslash. */
function quoted(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '')
}

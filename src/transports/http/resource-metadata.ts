import type { Authenticator } from '../../contracts/authenticator.js'
import { encodeRefusal, invalidRequestCode } from './refusal.js'
import type { Reply, RequestHead } from './reply.js'

/** RFC 9728 §3: the metadata of a resource stands under this, before the resource's own path. */
const wellKnown = '/.well-known/oauth-protected-resource'
/** A path is repeated in the answer; no endpoint has a longer one. */
const longestPath = 1000

/**
 * Anybody may read it, pages too (RFC 9728 §5; the official browser clients ask with MCP-Protocol-Version, which takes a
 * preflight): it says nothing that is not told to everybody.
 */
const open: Readonly<Record<string, string>> = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'mcp-protocol-version',
  'access-control-max-age': '7200',
}

/** Whether a request is for such metadata, whatever resource it asks after. */
export function isMetadataPath(url: string): boolean {
  // The second character tells nearly all others apart.
  if (url.charCodeAt(1) !== 46 || !url.startsWith(wellKnown)) return false
  const next = url[wellKnown.length]
  return next === undefined || next === '/' || next === '?'
}

/** What tells clients where to get a token for this server (RFC 9728): the document, and its address for a challenge. */
export class ResourceMetadata {
  readonly #servers: readonly string[]
  readonly #scopes: readonly string[]
  readonly #publicUrl: URL | undefined
  readonly #path: string

  /** @param path of the endpoint, for clients that ask at the root */
  constructor(authenticator: Authenticator | undefined, publicUrl: string | undefined, path: string) {
    this.#servers = authenticator?.authorizationServers ?? []
    this.#scopes = authenticator?.scopes ?? []
    this.#publicUrl = publicUrl === undefined ? undefined : new URL(publicUrl)
    this.#path = path
  }

  /** Where the document of the resource that was asked for stands; undefined when nobody gives out tokens for it. */
  address(head: RequestHead): string | undefined {
    if (this.#servers.length === 0) return undefined
    const resource = this.#publicUrl ?? resourceAt(head, pathOf(head.url))
    if (resource === undefined) return undefined
    return `${resource.origin}${wellKnown}${resource.pathname === '/' ? '' : resource.pathname}`
  }

  /** The answer to a request for the document. */
  reply(head: RequestHead): Reply {
    const { method } = head
    if (method === 'OPTIONS') return { status: 204, headers: open }
    if (method !== 'GET' && method !== 'HEAD') {
      return refusal(405, 'This metadata is read with GET.', { allow: 'GET, HEAD, OPTIONS' })
    }
    const resource = this.#resource(head)
    if (resource === undefined) return refusal(404, 'There is no such metadata here.')
    const document = {
      resource,
      authorization_servers: this.#servers,
      bearer_methods_supported: ['header'],
      ...(this.#scopes.length > 0 && { scopes_supported: this.#scopes }),
    }
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'cache-control': 'max-age=3600', ...open },
      ...(method === 'GET' && { body: JSON.stringify(document) }),
    }
  }

  /** RFC 9728 §3.3: it must be just what the client knows the resource by, or the client must not use the document. */
  #resource(head: RequestHead): string | undefined {
    if (this.#servers.length === 0) return undefined
    const asked = pathOf(head.url).slice(wellKnown.length)
    if (this.#publicUrl !== undefined) {
      const { href, origin, pathname } = this.#publicUrl
      if (asked !== '' && asked !== '/' && asked !== pathname) return undefined
      return pathname === '/' ? origin : href
    }
    return resourceAt(head, asked === '' || asked === '/' ? this.#path : asked)?.href
  }
}

/** The Host was checked before, so it is one that this server answers to. */
function resourceAt(head: RequestHead, path: string): URL | undefined {
  const host = head.header('host')
  if (host === undefined || path.length > longestPath || !path.startsWith('/') || path.startsWith('//'))
    return undefined
  try {
    // The parser leaves no quote and no space in what it gives back.
    return new URL(`${head.isSecure ? 'https' : 'http'}://${host}${path}`)
  } catch {
    return undefined
  }
}

function pathOf(url: string): string {
  const end = url.search(/[?#]/)
  return end < 0 ? url : url.slice(0, end)
}

function refusal(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = encodeRefusal({ status, code: invalidRequestCode, message })
  return { status, headers: { 'content-type': 'application/json', ...open, ...headers }, body }
}

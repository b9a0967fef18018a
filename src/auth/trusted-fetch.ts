import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'
import type { SafeFetchOptions } from '../security/safe-fetch/options.js'
import { createSafeFetch, type SafeFetch } from '../security/safe-fetch/safe-fetch.js'

/** What an authenticator's fetches may be told beside the address that it was configured with. */
export type FetchSettings = Pick<SafeFetchOptions, 'allow' | 'lookup' | 'proxy' | 'timeoutMs'>

const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/**
 * The address of somebody whose word decides who gets in.
 * @throws DefinitionError for what is no https address; http is taken from this machine alone.
 */
export function trustedUrl(option: string, value: unknown): URL {
  let url: URL | undefined
  try {
    url = typeof value === 'string' ? new URL(value) : undefined
  } catch {
    // Said below.
  }
  const isSafe =
    url !== undefined &&
    url.username === '' &&
    url.password === '' &&
    (url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname)))
  if (url === undefined || !isSafe) {
    throw new DefinitionError(
      `"${option}" must be an https address without a password (http on this machine alone), received ${shown(value)}; write one such as "https://idp.example.com/path".`,
    )
  }
  return url
}

/** `host:port` of an address, as `allow` has it. */
function placeOf(url: URL): string {
  return `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`
}

/**
 * A fetch for one configured address: it is opened wherever it stands, because the operator named it, and nothing else is.
 * Redirects are refused by whoever calls, and answers are small.
 */
export function fetchFrom(url: URL, settings: FetchSettings, limits: { maxBytes: number }): SafeFetch {
  const place = placeOf(url)
  return createSafeFetch({
    timeoutMs: 5000,
    ...settings,
    maxRedirects: 0,
    maxBytes: limits.maxBytes,
    allow: [...(settings.allow ?? []), place],
    egress: [place],
  })
}

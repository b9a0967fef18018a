import { shown } from '../../errors/shown.js'
import type { DestinationLists } from './destinations.js'
import type { Lookup } from './resolve-host.js'

export interface SafeFetchOptions extends DestinationLists {
  /** How names become addresses; its answers are checked. Default: `dns.lookup`. */
  readonly lookup?: Lookup
  /** Bytes of one response's body, after decompression. Default: 10 MiB. */
  readonly maxBytes?: number
  /** Milliseconds for all of a fetch: every redirect, and its body to the end. Default: 30,000. */
  readonly timeoutMs?: number
  /** Redirects that are followed. Default: 5; 0 follows none. */
  readonly maxRedirects?: number
  /** Bytes of one response's head. Default: 16 KiB. */
  readonly maxHeaderBytes?: number
  /** Fetches at once, until their bodies are read; more are refused as `overloaded`. Default: 100. */
  readonly maxConcurrent?: number
  /**
   * `http://user:password@proxy.example.com:3128`: everything goes through it, as a tunnel to an address that was checked
   * here. HTTP_PROXY and its kin are never read. Default: none.
   */
  readonly proxy?: string
}

type Limit = 'maxBytes' | 'timeoutMs' | 'maxRedirects' | 'maxHeaderBytes' | 'maxConcurrent'

export const defaults: Readonly<Record<Limit, number>> = {
  maxBytes: 10 * 1024 * 1024,
  timeoutMs: 30_000,
  maxRedirects: 5,
  maxHeaderBytes: 16 * 1024,
  maxConcurrent: 100,
}

const names: ReadonlySet<string> = new Set([...Object.keys(defaults), 'allow', 'egress', 'lookup', 'proxy'])
/** The longest that a timer can wait. */
const maxNumber = 2 ** 31 - 1

/** @throws TypeError for an option that cannot work; entries of `allow` and `egress` are read elsewhere. */
export function checkSafeFetchOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`The options of a safe fetch must be an object, received ${shown(options)}.`)
  }
  const given = options as Readonly<Record<string, unknown>>
  for (const name of Object.keys(given)) {
    // A rule that was misspelt would be no rule.
    if (!names.has(name)) {
      throw new TypeError(`A safe fetch has no option ${shown(name)}; it has ${[...names].join(', ')}.`)
    }
  }
  for (const name of Object.keys(defaults)) {
    const value = given[name]
    const least = name === 'maxRedirects' ? 0 : 1
    if (value === undefined) continue
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > maxNumber) {
      throw new TypeError(`"${name}" must be a whole number from ${least}, received ${shown(value)}.`)
    }
  }
  if (given['lookup'] !== undefined && typeof given['lookup'] !== 'function') {
    throw new TypeError(`"lookup" must be a function like dns.lookup, received ${shown(given['lookup'])}.`)
  }
  if (given['proxy'] !== undefined && proxyUrl(given['proxy']) === undefined) {
    throw new TypeError(
      '"proxy" must be a URL such as "http://proxy.example.com:3128", with http: or https: and no path.',
    )
  }
}

export function proxyUrl(value: unknown): URL | undefined {
  if (typeof value !== 'string') return undefined
  try {
    const url = new URL(value)
    const isOrigin = url.pathname === '/' && url.search === '' && url.hash === ''
    return isOrigin && (url.protocol === 'http:' || url.protocol === 'https:') ? url : undefined
  } catch {
    return undefined
  }
}

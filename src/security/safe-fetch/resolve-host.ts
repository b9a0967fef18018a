import type { LookupAddress } from 'node:dns'
import { shownHost } from './check-url.js'
import { fetchError } from './refusals.js'

type LookupCallback = (
  error: Error | null,
  addresses: string | readonly LookupAddress[],
  family?: number,
) => void

/** How a name becomes addresses: `dns.lookup`, `dns.promises.lookup` or one that is called like them. */
export type Lookup = (hostname: string, options: { readonly all: true }, callback: LookupCallback) => unknown

export interface ResolvedAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** More than any honest name has; the rest would only be tried one after another. */
const maxAddresses = 64

/**
 * Every address of a name.
 * @throws ToolError `fetch_failed` when it has none.
 */
export async function resolveHost(host: string, lookup: Lookup): Promise<readonly ResolvedAddress[]> {
  let found: unknown
  try {
    found = await asked(host, lookup)
  } catch (cause) {
    throw fetchError('fetch_failed', `The host ${shownHost(host)} could not be found.`, { cause })
  }
  const list = (Array.isArray(found) ? found : [found]).slice(0, maxAddresses) as readonly unknown[]
  const addresses = list.map((entry) => {
    const address = typeof entry === 'string' ? entry : (entry as Partial<LookupAddress> | null)?.address
    return { address: String(address), family: String(address).includes(':') ? (6 as const) : (4 as const) }
  })
  if (found === undefined || addresses.length === 0) {
    throw fetchError('fetch_failed', `The host ${shownHost(host)} has no address.`)
  }
  return addresses
}

function asked(host: string, lookup: Lookup): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const answer = lookup(host, { all: true }, (error, addresses) => {
      if (error) reject(error)
      else resolve(addresses)
    })
    // The promise form answers by what it returns and knows no callback.
    if (answer instanceof Promise) answer.then(resolve, reject)
  })
}

import { lookup as systemLookup } from 'node:dns'
import { isIP, type Socket } from 'node:net'
import type { buildConnector, Dispatcher } from 'undici'
import { type Address, addressOfHost, parseAddress } from './address.js'
import { shownHost } from './check-url.js'
import { withoutFinalDot } from './destination-lists.js'
import type { Destinations } from './destinations.js'
import { fetchError, notAllowed } from './refusals.js'
import { type Lookup, type ResolvedAddress, resolveHost } from './resolve-host.js'

type Undici = typeof import('undici')
type Connection = Parameters<buildConnector.Callback>[1]

export interface ConnectorOptions {
  readonly destinations: Destinations
  readonly lookup?: Lookup | undefined
  /** Milliseconds for all of it: the name, the proxy, TCP and TLS. */
  readonly timeoutMs: number
  readonly proxy?: TunnelProxy | undefined
}

/** What all connections are tunnelled through (RFC 9110 §9.3.6, CONNECT). */
export interface TunnelProxy {
  readonly dispatcher: Dispatcher
  readonly authorization: string | undefined
}

/**
 * Connects only to addresses that were checked, and to just those: a name is resolved once, every address that it has is
 * judged, and the socket is given that list. So there is no second look-up that could answer otherwise (DNS rebinding), and
 * an address that stands in the URL itself, for which no resolver is asked, is judged in the same place.
 */
export function checkedConnector(undici: Undici, options: ConnectorOptions): buildConnector.connector {
  const { destinations, timeoutMs, proxy, lookup = systemLookup as Lookup } = options

  async function connect(target: buildConnector.Options): Promise<Connection> {
    const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
    const addresses = await checkedAddresses(target.hostname, port)
    // One for each connection, because it holds the answer that was checked.
    const base = undici.buildConnector({
      timeout: timeoutMs,
      allowH2: false,
      autoSelectFamily: true,
      lookup: (_host, { all }, callback) => {
        const [first] = addresses
        if (all) callback(null, [...addresses])
        else callback(null, first?.address ?? '', first?.family)
      },
    })
    if (proxy === undefined) return established(base, target)
    const tunnel = await tunnelTo(proxy, addresses, port, timeoutMs)
    return target.protocol === 'https:' ? established(base, { ...target, httpSocket: tunnel }) : tunnel
  }

  async function checkedAddresses(hostname: string, port: number): Promise<readonly ResolvedAddress[]> {
    const host = withoutFinalDot(hostname)
    const kind = isIP(host)
    const bracketed = kind === 6 ? `[${host}]` : host
    const found: readonly ResolvedAddress[] =
      kind === 0 ? await resolveHost(host, lookup) : [{ address: host, family: kind === 6 ? 6 : 4 }]
    for (const { address } of found) {
      const bytes: Address | undefined = kind === 0 ? parseAddress(address) : addressOfHost(bracketed)
      const refused = bytes === undefined ? 'unreadable' : destinations.refusesAddress(bytes, bracketed, port)
      // One bad address is enough: which of them answers is for the other side to choose.
      if (refused !== undefined) {
        throw notAllowed(
          kind === 0
            ? `${shownHost(host)} cannot be fetched from: it leads to a ${refused} address.`
            : `${shownHost(host)} cannot be fetched from: it is a ${refused} address.`,
          'Only addresses of the public internet are fetched from.',
        )
      }
    }
    return found
  }

  return (target, callback) => {
    connect(target).then(
      (socket) => callback(...([null, socket] as Parameters<buildConnector.Callback>)),
      (error: unknown) => callback(error instanceof Error ? error : new Error('No connection.'), null),
    )
  }
}

function established(base: buildConnector.connector, target: buildConnector.Options): Promise<Connection> {
  return new Promise((resolve, reject) => {
    base(target, (error, socket) => {
      if (error === null) resolve(socket)
      else reject(error)
    })
  })
}

/** The proxy is told an address, not a name: it would resolve a name by itself, and nobody would have checked that. */
async function tunnelTo(
  { dispatcher, authorization }: TunnelProxy,
  addresses: readonly ResolvedAddress[],
  port: number,
  timeoutMs: number,
): Promise<Socket> {
  const { address, family } = addresses.find((one) => one.family === 4) ??
    addresses[0] ?? { address: '', family: 4 }
  const origin = family === 6 ? `http://[${address}]:${port}` : `http://${address}:${port}`
  const path = origin.slice('http://'.length)
  const signal = AbortSignal.timeout(timeoutMs)
  const headers: Record<string, string> = authorization ? { 'proxy-authorization': authorization } : {}
  const { statusCode, socket } = await dispatcher.connect({ origin, path, signal, headers })
  if (statusCode === 200) return socket as Socket
  socket.destroy()
  throw fetchError('fetch_failed', `The proxy answered ${statusCode} instead of a connection.`)
}

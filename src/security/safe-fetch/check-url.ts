import { clean } from '../../errors/shown.js'
import { withoutFinalDot } from './destination-lists.js'
import type { Destinations } from './destinations.js'
import { notAllowed } from './refusals.js'

/** Longer ones are no address that somebody meant. */
const maxUrlLength = 8192

/** The Fetch standard's "bad ports" (fetch.spec.whatwg.org/#port-blocking): services that HTTP could be made to talk to. */
const badPorts: ReadonlySet<number> = new Set([
  0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
  109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
  526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
  3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
])

/** Host and port as rules and connections know them. */
export interface Target {
  /** A name without its final dot, or an address; IPv6 in brackets. */
  readonly host: string
  readonly port: number
}

export function targetOf(url: URL): Target {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { host: withoutFinalDot(url.hostname), port }
}

/**
 * Reads a URL and checks all of it that can be told without asking a resolver. Used for the first URL and for each that a
 * redirect names.
 * @throws ToolError `url_not_allowed`
 */
export function checkUrl(text: string, destinations: Destinations, base?: URL): URL {
  const url = parse(text, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw notAllowed(
      `URLs with ${clean(url.protocol, 20)} cannot be fetched.`,
      'Give one that begins with https:// or http://.',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw notAllowed('A URL that is fetched must hold no user name and no password.', 'Give it without them.')
  }
  const { host, port } = targetOf(url)
  if (host === '') throw notAllowed('The URL has no host.')
  if (badPorts.has(port)) {
    throw notAllowed(`Port ${port} cannot be fetched from: it belongs to another protocol than HTTP.`)
  }
  const refused = destinations.refusesHost(host, port, url.protocol)
  if (refused !== undefined) throw notAllowed(`${shownHost(host)} cannot be fetched from: ${refused}.`)
  return url
}

function parse(text: string, base: URL | undefined): URL {
  if (text.length > maxUrlLength) {
    throw notAllowed(`The URL has ${text.length} characters; ${maxUrlLength} at most can be fetched.`)
  }
  try {
    return new URL(text, base)
  } catch {
    throw notAllowed(
      base === undefined ? 'The text is no absolute URL.' : 'The redirect leads to what is no URL.',
      'Give one such as https://example.com/data.csv.',
    )
  }
}

export function shownHost(host: string): string {
  return JSON.stringify(clean(host))
}

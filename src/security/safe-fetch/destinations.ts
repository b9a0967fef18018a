import { type Address, addressOfHost, sharesPrefix } from './address.js'
import { forbiddenAddress, formsOf } from './address-policy.js'
import {
  type AddressRange,
  checkList,
  type EgressRule,
  type HostPort,
  readAllow,
  readEgressRule,
} from './destination-lists.js'

export interface DestinationLists {
  /**
   * Places beyond the public internet that the operator opens: `localhost:3000`, `idp.cluster.local:8443`, `[::1]:8080`,
   * `10.20.0.0/16`. A name opens private addresses at its port, not link-local or metadata ones. Default: none.
   */
  readonly allow?: readonly string[]
  /**
   * The only hosts that may be fetched from: `api.example.com`, `*.example.com` (its subdomains), each with `:port` or at the
   * scheme's own. It opens nothing that is not public; that takes `allow` too. Default: all.
   */
  readonly egress?: readonly string[]
}

/** Names under which clouds serve credentials to whoever asks; they resolve to addresses that differ. */
const metadataNames: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.azure.com',
  'metadata.oraclecloud.com',
  'metadata.packet.net',
  'metadata.platformequinix.com',
  'metadata.tencentyun.com',
  'instance-data',
  'instance-data.ec2.internal',
  'rancher-metadata',
  'rancher-metadata.rancher.internal',
])

/** Where a fetch may lead. Made once from the operator's lists. */
export class Destinations {
  readonly #hosts: readonly HostPort[]
  readonly #ranges: readonly AddressRange[]
  readonly #egress: readonly EgressRule[] | undefined

  /** @throws TypeError for an entry that is none, with the sentence that mends it. */
  constructor({ allow = [], egress }: DestinationLists = {}) {
    checkList('allow', allow)
    const read = allow.map(readAllow)
    this.#ranges = read.filter((entry) => 'base' in entry)
    this.#hosts = read.filter((entry) => 'host' in entry)
    if (egress !== undefined) {
      checkList('egress', egress)
      this.#egress = egress.map(readEgressRule)
    }
  }

  /** Whether the operator opened just this name and port. */
  opensHost(host: string, port: number): boolean {
    return this.#hosts.some((entry) => entry.port === port && entry.host === host)
  }

  /**
   * Why a host may not be asked at all, before anything is resolved; undefined when it may.
   * @param host normalised by the URL parser, without a final dot
   */
  refusesHost(host: string, port: number, scheme: string): string | undefined {
    const opened = this.opensHost(host, port)
    if (!opened && metadataNames.has(host)) return 'it is a cloud metadata service'
    if (this.#egress === undefined || opened) return undefined
    const isOwnPort = port === (scheme === 'https:' ? 443 : 80)
    const known = this.#egress.some(
      (rule) =>
        (rule.subdomains ? host.endsWith(`.${rule.host}`) : host === rule.host) &&
        (rule.port === undefined ? isOwnPort : rule.port === port),
    )
    return known ? undefined : 'it is not among the hosts that this server may fetch from'
  }

  /**
   * Why an address may not be connected to; undefined when it may.
   * @param host what was asked for: a name, or the address itself as the URL had it
   */
  refusesAddress(address: Address, host: string, port: number): string | undefined {
    const forbidden = forbiddenAddress(address)
    if (forbidden === undefined) return undefined
    const forms = formsOf(address)
    const inRange = this.#ranges.some(({ base, bits }) =>
      forms.some((form) => sharesPrefix(base, form, bits)),
    )
    if (inRange) return undefined
    const isNamed = !forbidden.never || addressOfHost(host) !== undefined
    if (isNamed && this.opensHost(host, port)) return undefined
    return forbidden.kind
  }
}

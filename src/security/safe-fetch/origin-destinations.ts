import { Destinations } from './destinations.js'

/** Only these origins, scheme and port included; what they resolve to is judged as everywhere. */
export class OriginDestinations extends Destinations {
  readonly #origins: ReadonlySet<string>

  /**
   * @param origins URLs, read by the URL parser
   * @throws TypeError for an entry of `allow` that is none
   */
  constructor(origins: readonly URL[], allow: readonly string[]) {
    super({ allow })
    this.#origins = new Set(
      origins.map(({ protocol, hostname, port }) => keyOf(protocol, hostname.replace(/\.$/, ''), port)),
    )
  }

  override refusesHost(host: string, port: number, scheme: string): string | undefined {
    if (!this.#origins.has(keyOf(scheme, host, String(port)))) {
      return 'it is not among the origins that this pool connects to'
    }
    return super.refusesHost(host, port, scheme)
  }
}

function keyOf(scheme: string, host: string, port: string): string {
  return `${scheme}//${host}:${port === '' ? (scheme === 'https:' ? '443' : '80') : port}`
}

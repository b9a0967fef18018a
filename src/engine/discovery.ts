import { ProtocolError } from '../errors/protocol-error.js'
import { isRecord, type Params } from '../protocol/json-rpc.js'
import { isLogSeverity, logSeverities } from '../protocol/log-level.js'
import { metaKeys } from '../protocol/meta-keys.js'
import type { ServedRevisions } from '../protocol/revisions/all.js'
import type { ClientCapabilities, Implementation, ServerCapabilities } from '../protocol/types.js'
import { wireCapabilities } from '../protocol/wire.js'
import { Dialect } from './dialect.js'
import type { ClientState } from './exchange.js'
import { listTtlMs } from './lists.js'

export interface DiscoveryOptions {
  readonly info: Implementation
  readonly instructions: string | undefined
  readonly revisions: ServedRevisions
  /** Read when asked, because definitions may still be added. */
  capabilities(): ServerCapabilities
}

/** What an opening request settled: under which revision, and with which client. */
export interface Opening {
  readonly dialect: Dialect
  readonly client: ClientState
}

/**
 * How a client and this server agree on a revision: by the `initialize` handshake, or by what each
 * stateless request says of itself.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #dialects: ReadonlyMap<string, Dialect>

  constructor(options: DiscoveryOptions) {
    this.#options = options
    this.#dialects = new Map(
      options.revisions.all.map((revision) => [revision.version, new Dialect(revision, options.info)]),
    )
  }

  /** The dialect of a served revision. */
  dialect(version: string): Dialect | undefined {
    return this.#dialects.get(version)
  }

  get newestHandshake(): Dialect | undefined {
    return this.#ofRevision(this.#options.revisions.newestHandshake?.version)
  }

  get newestStateless(): Dialect | undefined {
    return this.#ofRevision(this.#options.revisions.newestStateless?.version)
  }

  #ofRevision(version: string | undefined): Dialect | undefined {
    return version === undefined ? undefined : this.#dialects.get(version)
  }

  /** Versions that a request's `_meta` may name. */
  get statelessVersions(): readonly string[] {
    const { revisions } = this.#options
    return revisions.versions.filter((version) => revisions.get(version)?.era === 'stateless')
  }

  /** Whether a request speaks of itself as the stateless revisions ask; only then does its `_meta` decide. */
  isStateless(params: Params): boolean {
    return (
      this.newestStateless !== undefined &&
      isRecord(params['_meta']) &&
      metaKeys.protocolVersion in params['_meta']
    )
  }

  /**
   * Reads the `_meta` envelope of a stateless request (2026-07-28, basic/index, "_meta").
   * @throws ProtocolError: invalid_envelope when a field is missing or wrong, unsupported_protocol_version.
   */
  openStateless(params: Params): Opening {
    const meta = params['_meta']
    if (!isRecord(meta))
      throw envelopeFault('"params._meta" must be an object that says protocolVersion and clientCapabilities')
    const version = meta[metaKeys.protocolVersion]
    if (typeof version !== 'string')
      throw envelopeFault(`"params._meta" must say "${metaKeys.protocolVersion}" as a string`)
    const dialect = this.#dialects.get(version)
    if (dialect === undefined || dialect.revision.era !== 'stateless') throw this.unsupported(version)
    const capabilities = meta[metaKeys.clientCapabilities]
    if (!isRecord(capabilities))
      throw envelopeFault(`"params._meta" must say "${metaKeys.clientCapabilities}" as an object`)
    const info = meta[metaKeys.clientInfo]
    if (info !== undefined && !isImplementation(info)) {
      throw envelopeFault(`"${metaKeys.clientInfo}" must be an object with "name" and "version"`)
    }
    const level = meta[metaKeys.logLevel]
    if (level !== undefined && !isLogSeverity(level)) {
      throw envelopeFault(`"${metaKeys.logLevel}" must be one of ${logSeverities.join(', ')}`)
    }
    return { dialect, client: { info, capabilities: capabilities as ClientCapabilities, logLevel: level } }
  }

  /** -32022 with what is served instead. */
  unsupported(requested: string): ProtocolError {
    const supported = this.statelessVersions
    return new ProtocolError(
      'unsupported_protocol_version',
      `Protocol version ${JSON.stringify(requested.slice(0, 40))} is not served here; supported: ${supported.join(', ')}.`,
      { data: { supported, requested: requested.slice(0, 40) } },
    )
  }

  /**
   * Negotiates as the handshake revisions ask: the client's version when it is served, else the newest
   * one that is (2025-11-25, basic/lifecycle, "Version Negotiation").
   * @throws ProtocolError when no handshake revision is served, or for faulty params.
   */
  initialize(params: Params): Opening & { readonly result: string } {
    const { protocolVersion, capabilities, clientInfo } = params
    if (typeof protocolVersion !== 'string') {
      throw new ProtocolError('invalid_params', '"protocolVersion" must be a string, such as "2025-11-25".')
    }
    const newest = this.newestHandshake
    if (newest === undefined) throw this.unsupported(protocolVersion)
    if (capabilities !== undefined && !isRecord(capabilities)) {
      throw new ProtocolError('invalid_params', '"capabilities" must be an object.')
    }
    if (clientInfo !== undefined && !isImplementation(clientInfo)) {
      throw new ProtocolError('invalid_params', '"clientInfo" must be an object with "name" and "version".')
    }
    const asked = this.#dialects.get(protocolVersion)
    const dialect = asked?.revision.era === 'handshake' ? asked : newest
    const { instructions } = this.#options
    const result = JSON.stringify({
      protocolVersion: dialect.revision.version,
      capabilities: wireCapabilities(dialect.revision, this.#options.capabilities()),
      serverInfo: dialect.serverInfo,
      ...(instructions !== undefined && { instructions }),
    })
    return {
      dialect,
      client: { info: clientInfo, capabilities: (capabilities ?? {}) as ClientCapabilities },
      result,
    }
  }

  /** `server/discover`. */
  discover(dialect: Dialect): string {
    const { instructions } = this.#options
    const body = {
      supportedVersions: this.statelessVersions,
      capabilities: wireCapabilities(dialect.revision, this.#options.capabilities()),
      ...(instructions !== undefined && { instructions }),
    }
    return dialect.result(JSON.stringify(body).slice(1, -1), { cache: { ttlMs: listTtlMs, scope: 'public' } })
  }
}

function envelopeFault(sentence: string): ProtocolError {
  return new ProtocolError('invalid_envelope', `${sentence}.`)
}

function isImplementation(value: unknown): value is Implementation {
  return isRecord(value) && typeof value['name'] === 'string' && typeof value['version'] === 'string'
}

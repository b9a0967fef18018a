import type { ConnectionOptions } from 'node:tls'
import type { PoolLimits } from '../../concurrency/pool/pool-options.js'
import { type Duration, toMs } from '../../engine/duration.js'
import { DefinitionError } from '../../errors/definition-error.js'
import { type PoolLimitOptions, poolLimits } from '../pool.js'

export interface PostgresOptions extends PoolLimitOptions {
  /** `postgres://user:password@host:5432/database`. What it says wins over the options here. It is never logged. */
  readonly url: string
  /** TLS as `pg` takes it. Default: as the URL's `sslmode` says, else none. */
  readonly ssl?: boolean | ConnectionOptions
  /** What the database shows its connections as. Default: `holdfast`. */
  readonly applicationName?: string
  /** The longest that any statement may take, whatever time its call has. Default: the call's time alone. */
  readonly statementTimeout?: Duration
}

/** The same, checked and in milliseconds. */
export interface PostgresSettings {
  readonly name: string
  readonly url: string
  readonly ssl: boolean | ConnectionOptions | undefined
  readonly applicationName: string
  readonly statementTimeoutMs: number | undefined
  readonly limits: PoolLimits
  readonly stopMs: number
}

/** @throws DefinitionError for an option that cannot work; it never shows the URL. */
export function readPostgresOptions(options: PostgresOptions): PostgresSettings {
  const { name = 'postgres', url, ssl, applicationName = 'holdfast', statementTimeout } = options ?? {}
  if (typeof url !== 'string' || !/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new DefinitionError(
      '"url" of postgres() must be an address such as "postgres://user:password@db.example.com:5432/orders".',
    )
  }
  // The database cuts longer names, and then nobody finds them.
  if (typeof applicationName !== 'string' || !/^[\x20-\x7e]{1,63}$/.test(applicationName)) {
    throw new DefinitionError('"applicationName" of postgres() must have 1 to 63 printable ASCII characters.')
  }
  return {
    name,
    url,
    ssl,
    applicationName,
    statementTimeoutMs:
      statementTimeout === undefined
        ? undefined
        : Math.ceil(toMs(statementTimeout, '"statementTimeout" of postgres()')),
    limits: poolLimits(name, { min: 1, ...options }),
    stopMs: toMs(options.stopTimeout ?? '5s', '"stopTimeout" of postgres()'),
  }
}

import { DataError } from '../data/data-error.js'

/** Where the datasets are, and where all but those about persons are. */
export interface DatabaseAddresses {
  readonly all: string
  readonly readers: string
}

/**
 * The two databases from DATABASE_URL and DATABASE_URL_READERS; undefined when there is no DATABASE_URL. Without the second it is
 * the first one's name with `_readers` behind it.
 * @throws {DataError} when one is no address of a database.
 */
export function readAddresses(
  env: Readonly<Record<string, string | undefined>>,
): DatabaseAddresses | undefined {
  const { DATABASE_URL: all, DATABASE_URL_READERS: readers } = env
  if (all === undefined || all === '') return undefined
  check('DATABASE_URL', all)
  if (readers === undefined || readers === '') return { all, readers: besides(all) }
  check('DATABASE_URL_READERS', readers)
  return { all, readers }
}

function check(variable: string, address: string): void {
  // The address is not shown: it has a password.
  if (/^postgres(ql)?:\/\//.test(address) && URL.canParse(address) && databaseOf(address) !== '') return
  throw new DataError(`${variable} must be an address such as postgres://user:password@127.0.0.1:5432/desk.`)
}

function besides(address: string): string {
  const url = new URL(address)
  url.pathname = `/${encodeURIComponent(`${databaseOf(address)}_readers`)}`
  return url.href
}

export function databaseOf(address: string): string {
  return decodeURIComponent(new URL(address).pathname.slice(1))
}

/** The address as it may be shown: without its user and password, and what else follows. */
export function shownAddress(address: string): string {
  const { protocol, host, pathname } = new URL(address)
  return `${protocol}//${host}${pathname}`
}

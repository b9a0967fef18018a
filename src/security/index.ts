export type { Fetch } from '../contracts/fetch.js'
export type { SafeFetchOptions } from './safe-fetch/options.js'
export type { Lookup } from './safe-fetch/resolve-host.js'
export { createSafeFetch, type SafeFetch } from './safe-fetch/safe-fetch.js'

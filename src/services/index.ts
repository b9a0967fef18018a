export type { Borrowed } from '../concurrency/pool/pool-options.js'
export type { PoolUsage } from '../concurrency/pool/pool-usage.js'
export type { Service, ServiceCall, ServiceHost } from '../contracts/service.js'
export {
  type Backend,
  type BackendCall,
  type BackendOptions,
  type BreakerOptions,
  backend,
  type RetryOptions,
} from './backend.js'
export { type BoundedCache, type BoundedCacheOptions, boundedCache } from './bounded-cache.js'
export {
  defineService,
  type EagerOptions,
  type LazyOptions,
  type NoNeeds,
  type ServiceOptions,
} from './define-service.js'
export { type HttpClient, type HttpPoolOptions, httpPool } from './http-pool.js'
export {
  type CallPool,
  type PoolLimitOptions,
  type PoolServiceOptions,
  pool,
} from './pool.js'
export { weakCache } from './weak-cache.js'

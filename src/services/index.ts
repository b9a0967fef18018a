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
export { weakCache } from './weak-cache.js'

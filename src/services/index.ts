export type { Service, ServiceCall, ServiceHost } from '../contracts/service.js'
export {
  type Backend,
  type BackendCall,
  type BackendOptions,
  type BreakerOptions,
  backend,
  type RetryOptions,
} from './backend.js'
export {
  defineService,
  type EagerOptions,
  type LazyOptions,
  type NoNeeds,
  type ServiceOptions,
} from './define-service.js'

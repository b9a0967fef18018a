export {
  type Backend,
  type BackendCall,
  type BackendOptions,
  type BreakerOptions,
  backend,
  type RetryOptions,
} from './backend.js'

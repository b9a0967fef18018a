export type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from '../contracts/authenticator.js'
export { type ApiKey, type ApiKeyOwner, type ApiKeys, type ApiKeysOptions, apiKeys } from './api-keys.js'
export type { Claims } from './claims.js'
export { firstOf } from './first-of.js'
export { type IntrospectionOptions, introspection } from './introspection.js'
export { jwt } from './jwt.js'
export type { JwtOptions } from './jwt-options.js'
export { type SignTokenOptions, signToken } from './sign-token.js'
export type { FetchSettings } from './trusted-fetch.js'

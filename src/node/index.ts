export { watchBlocking } from './blocking/watch-blocking.js'
export { type Served, type ServeOptions, serve } from './serve.js'
export { type ServedStreams, type ServeStreamsOptions, serveStreams } from './serve-streams.js'
export type { LocalPrincipal } from './stdio-identity.js'

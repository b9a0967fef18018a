export { createMemoryTransport, type MemoryTransport } from './memory-transport.js'

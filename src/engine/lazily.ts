import type { Handler } from './call.js'

/** Makes a handler at its first call: chains are composed when all middlewares are known. */
export function lazily(create: () => Handler): Handler {
  let handler: Handler | undefined
  return (call) => {
    handler ??= create()
    return handler(call)
  }
}

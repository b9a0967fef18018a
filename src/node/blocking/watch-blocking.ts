import type { Servable } from '../../server/server.js'

/**
 * Reports which call blocks the event loop, as the server's `blocking` option says; `serve` does it by itself. For servers that are mounted
 * in another program; call it before the first request. It begins after the first call was answered and ends with `server.close()`.
 */
export function watchBlocking(server: Pick<Servable, 'watchCalls'>): void {
  server.watchCalls(async (host) => {
    const { startLoopWatch } = await import('./loop-watch.js')
    return startLoopWatch(host)
  })
}

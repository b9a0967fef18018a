import { connect, createServer, type Socket } from 'node:net'
import { listenForTest } from '../listen-for-test.js'

/** A way to a port that can stall: connections stay open, new ones are taken, and no byte passes. */
export interface StallingProxy {
  readonly port: number
  stall(): void
  goOn(): void
}

export async function stallingProxy(target: number): Promise<StallingProxy> {
  const sockets = new Set<Socket>()
  let stalled = false
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
      if (stalled) socket.pause()
    }
    near.on('data', (bytes) => void far.write(bytes))
    far.on('data', (bytes) => void near.write(bytes))
    // `on('data')` sets a socket flowing.
    if (stalled) for (const socket of [near, far]) socket.pause()
  })
  const port = await listenForTest(server, sockets)
  return {
    port,
    stall() {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
    goOn() {
      stalled = false
      for (const socket of sockets) socket.resume()
    },
  }
}

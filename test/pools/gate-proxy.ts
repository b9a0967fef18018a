import { connect, createServer, type Socket } from 'node:net'
import { listenForTest } from '../listen-for-test.js'

/** A way to a database that can be closed like one that restarts, and that can hold back a cancel. */
export interface GateProxy {
  readonly port: number
  /** Ends all connections and refuses new ones. */
  shut(): void
  open(): void
  /** Cancel requests are kept back from now on; returns how they are let go. */
  holdCancels(): () => void
  /** Cancel requests that came. */
  readonly cancels: number
}

/** A cancel request begins with its length, 16, and this code (PostgreSQL documentation, "Message Formats"). */
const cancelCode = 80_877_102

export async function gateProxy(target: {
  readonly host: string
  readonly port: number
}): Promise<GateProxy> {
  const sockets = new Set<Socket>()
  const held: (() => void)[] = []
  let isShut = false
  let holding = false
  let cancels = 0
  const server = createServer((near) => {
    sockets.add(near)
    near.on('error', () => undefined)
    near.once('close', () => sockets.delete(near))
    if (isShut) {
      near.destroy()
      return
    }
    near.once('data', (first) => {
      const isCancel = first.length === 16 && first.readInt32BE(4) === cancelCode
      if (isCancel) cancels += 1
      const pass = (): void => {
        const far = connect(target.port, target.host)
        sockets.add(far)
        far.on('error', () => undefined)
        far.once('close', () => {
          sockets.delete(far)
          near.destroy()
        })
        near.once('close', () => far.destroy())
        far.write(first)
        far.pipe(near)
        near.pipe(far)
      }
      if (isCancel && holding) held.push(pass)
      else pass()
    })
  })
  const port = await listenForTest(server, sockets)
  return {
    port,
    shut() {
      isShut = true
      for (const socket of sockets) socket.destroy()
    },
    open() {
      isShut = false
    },
    holdCancels() {
      holding = true
      return () => {
        holding = false
        for (const pass of held.splice(0)) pass()
      }
    },
    get cancels() {
      return cancels
    },
  }
}

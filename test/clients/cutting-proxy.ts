import { once } from 'node:events'
import { type AddressInfo, createServer, connect as dial, type Socket } from 'node:net'

export interface CuttingProxy {
  readonly url: string
  /** Tears the connections whose latest request had this method, on both sides; gives how many there were. */
  cut(method: 'GET' | 'POST'): number
  close(): Promise<void>
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  method: string
}

/** Stands between a client and an HTTP server, passes every byte on, and cuts the line when it is told to. */
export async function cuttingProxy(target: string): Promise<CuttingProxy> {
  const { hostname, port, pathname } = new URL(target)
  const pairs = new Set<Pair>()
  const listener = createServer((near) => {
    const far = dial(Number(port), hostname)
    const pair: Pair = { near, far, method: '' }
    pairs.add(pair)
    near.on('data', (chunk: Buffer) => {
      pair.method = /^(GET|POST|DELETE) /.exec(chunk.toString('latin1'))?.[1] ?? pair.method
    })
    near.pipe(far).pipe(near)
    for (const socket of [near, far]) {
      // A line that was cut is reported as an error, and that is what it is for.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
    }
  })
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const { port: own } = listener.address() as AddressInfo

  function end(doomed: readonly Pair[]): number {
    for (const { near, far } of doomed) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    return doomed.length
  }
  return {
    url: `http://127.0.0.1:${own}${pathname}`,
    cut: (method) => end([...pairs].filter((pair) => pair.method === method)),
    async close() {
      const closed = once(listener, 'close')
      listener.close()
      end([...pairs])
      await closed
    },
  }
}

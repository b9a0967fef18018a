import { Socket } from 'node:net'
import type { Clock } from '../../contracts/clock.js'
import type { PgModule } from './load-pg.js'

/** A connection of the server, as a cancel request names it (PostgreSQL documentation, "Canceling Requests in Progress"). */
export interface CancelTarget {
  readonly host: string
  readonly port: number
  readonly ssl: unknown
  readonly sslNegotiation: string
  readonly processId: number
  readonly secretKey: number
}

/** What pg's connection has, and its types do not say. */
interface RawConnection {
  on(event: 'connect' | 'sslconnect' | 'end' | 'error', listener: () => void): void
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processId: number, secretKey: number): void
}

/**
 * Asks the server on a connection of its own to end what `target` runs. True: the server has closed that connection, which it does
 * once the signal was sent; from then on no cancel is under way. False: nobody knows, and one may still arrive.
 */
export function requestCancel(
  pg: PgModule,
  target: CancelTarget,
  { timeoutMs, clock }: { readonly timeoutMs: number; readonly clock: Clock },
): Promise<boolean> {
  const { host, port, ssl, sslNegotiation, processId, secretKey } = target
  return new Promise((resolve) => {
    const socket = new Socket()
    const config = { ssl, sslNegotiation, stream: () => socket } as ConstructorParameters<
      PgModule['Connection']
    >[0]
    const connection = new pg.Connection(config) as unknown as RawConnection
    let isSent = false
    const over = (isDone: boolean): void => {
      stop()
      resolve(isDone)
      socket.destroy()
    }
    const stop = clock.after(timeoutMs, () => over(false))
    const send = (): void => {
      isSent = true
      connection.cancel(processId, secretKey)
    }
    connection.on('connect', () => {
      if (!ssl) send()
      else if (sslNegotiation !== 'direct') connection.requestSsl()
    })
    connection.on('sslconnect', send)
    // The listener stays: an error without one would end the process.
    connection.on('error', () => over(false))
    connection.on('end', () => over(isSent))
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}

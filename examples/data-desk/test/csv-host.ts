import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Answer = (response: ServerResponse, request: IncomingMessage) => void

export interface CsvHost {
  /** host:port, as `allowFetch` takes it. */
  readonly address: string
  /** Requests that were answered so far. */
  readonly requests: readonly IncomingMessage[]
  /** An address that answers like this. */
  url(answer: Answer | string | Uint8Array, file?: string): string
  close(): Promise<void>
}

/** A web server on the loopback interface whose every address answers as its test says. */
export async function startCsvHost(): Promise<CsvHost> {
  const answers = new Map<string, Answer>()
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.on('error', () => {})
    answers.get(request.url ?? '')?.(response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    address,
    requests,
    url(answer, file = 'data.csv') {
      const path = `/${answers.size}/${file}`
      const send: Answer =
        typeof answer === 'function'
          ? answer
          : (response) => {
              response.setHeader('Content-Type', 'text/csv')
              response.end(answer)
            }
      answers.set(path, send)
      return `http://${address}${path}`
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

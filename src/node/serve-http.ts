import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as NodeServer,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartError } from '../errors/start-error.js'
import type { Servable } from '../server/server.js'
import type { Served } from './serve.js'

export interface ServeHttpOptions {
  readonly port: number
  readonly drainMs: number
}

/**
 * Listens with `node:http` and routes the endpoint's path to the server.
 * @throws StartError when it cannot listen, in one sentence.
 */
export async function serveHttp(server: Servable, options: ServeHttpOptions): Promise<Served> {
  const { host = '127.0.0.1', path = '/mcp' } = server.options.http
  const handler = await server.http()
  const listener = createHttpServer((req, res) => {
    if (isPath(req.url, path) || handler.servesMetadata(req.url)) handler.handle(req, res)
    else notFound(req, res, path)
  })
  // A client that dawdles over its headers holds a socket, not a request.
  listener.headersTimeout = 15_000
  // Longer than clients and load balancers keep a connection (60 s is usual), so that it is they who end an idle one: a request
  // that is written while the server closes is lost with a reset.
  listener.keepAliveTimeout = 75_000
  await listen(listener, options.port, host)
  const { port } = listener.address() as AddressInfo

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()))
      listener.closeIdleConnections()
      await server.close({ timeoutMs: options.drainMs })
      listener.closeIdleConnections()
      // Answers are on their way; a socket that still is open after them has nothing more to say.
      const late = setTimeout(() => listener.closeAllConnections(), 500)
      await closed
      clearTimeout(late)
      forgetSignals()
    })()
    return closing
  }
  const forgetSignals = stopOnSignals(close)
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`, port, close }
}

function isPath(url: string | undefined, path: string): boolean {
  return (
    url === path ||
    (url?.startsWith(path) === true &&
      (url[path.length] === '?' || (url[path.length] === '/' && url.length === path.length + 1)))
  )
}

function notFound(req: IncomingMessage, res: ServerResponse, path: string): void {
  req.resume()
  const body = JSON.stringify({
    jsonrpc: '2.0',
    error: { code: -32600, message: `There is nothing at this path; the MCP endpoint is ${path}.` },
  })
  res
    .writeHead(404, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body)
}

function listen(listener: NodeServer, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, port, host)))
    listener.listen(port, host, () => {
      // From here on an error is one connection's, such as no descriptors left, and must not end the process.
      listener.on('error', (error) => process.stderr.write(`The HTTP listener reported: ${error.message}\n`))
      resolve()
    })
  })
}

function listenError(error: NodeJS.ErrnoException, port: number, host: string): StartError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new StartError(
        `Port ${port} on ${host} is taken by another program; choose another with --port N or PORT.`,
        { cause: error },
      )
    case 'EACCES':
      return new StartError(
        `Port ${port} needs more rights than this process has; choose one above 1023 with --port N or PORT.`,
        { cause: error },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new StartError(`${host} is no address of this machine; set http.host to one that is.`, {
        cause: error,
      })
    default:
      return new StartError(`Cannot listen on ${host}:${port}: ${error.message}.`, { cause: error })
  }
}

/** The first signal drains, a second one ends at once. Returns the function that stops listening. */
function stopOnSignals(close: () => Promise<void>): () => void {
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(0)
    stopping = true
    void close().then(() => process.exit(0))
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
  return () => {
    process.off('SIGTERM', stop).off('SIGINT', stop)
  }
}

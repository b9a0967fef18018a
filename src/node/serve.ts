import { StartError } from '../errors/start-error.js'
import type { Servable } from '../server/server.js'
import { ignoreUnansweredQuestions } from './asking-filter.js'
import { watchBlocking } from './blocking/watch-blocking.js'
import type { LocalPrincipal } from './stdio-identity.js'

export interface ServeOptions {
  /** Default: what the arguments and the environment say. */
  readonly transport?: 'stdio' | 'http'
  /** Over HTTP; wins over `--port`, PORT and the server's own `http.port`. 0 takes a free one. */
  readonly port?: number
  /** Milliseconds that calls in flight have after SIGTERM or SIGINT. Default: 5000. */
  readonly drainMs?: number
  /** The arguments to read. Default: those of the process. */
  readonly args?: readonly string[]
  /**
   * Who calls over stdio. Default: whom the token in HOLDFAST_TOKEN stands for, as the server's `auth` says; without one an
   * anonymous caller without permissions.
   */
  readonly principal?: LocalPrincipal
}

/** What `serve` gives over HTTP; over stdio it never returns, because the process ends with its client. */
export interface Served {
  /** The endpoint's address, such as `http://127.0.0.1:3000/mcp`. */
  readonly url: string
  readonly port: number
  /** Stops listening, lets calls in flight finish, closes the server. */
  close(): Promise<void>
}

/**
 * Serves a server from this process: over stdio by default, over HTTP when there is a `--port`, a PORT or
 * `transport: 'http'`; `--stdio` wins over those. `--isolate-stdout` gives the protocol a descriptor of its
 * own, for native code that prints.
 *
 * @throws StartError when the port is taken or not allowed, or an option is not safe to serve: one sentence.
 */
export async function serve(server: Servable, options: ServeOptions = {}): Promise<Served> {
  const args = options.args ?? process.argv.slice(2)
  const port = options.port ?? portOf(args)
  ignoreUnansweredQuestions()
  watchBlocking(server)
  server.provideKeys(async () => {
    const { stateKey } = await import('./state-key.js')
    return stateKey(server.name, say)
  })
  await server.start()
  if (
    options.transport === 'stdio' ||
    (options.transport === undefined && (args.includes('--stdio') || port === undefined))
  ) {
    const { serveStdio } = await import('./serve-stdio.js')
    await serveStdio(server, {
      ...(options.drainMs !== undefined && { drainMs: options.drainMs }),
      identify: async () => {
        const { stdioPrincipal } = await import('./stdio-identity.js')
        return stdioPrincipal(server, options.principal, say)
      },
      // What still runs when the only client has gone runs for nobody.
      onEnd: ({ reason }) => server.close(reason === 'input ended' ? { timeoutMs: 0 } : {}),
    })
    throw new StartError('The stdio connection ended, but the process did not.')
  }
  if (options.principal !== undefined) {
    throw new StartError(
      'serve: "principal" says who calls over stdio; over HTTP many may call, and the server\'s "auth" says who.',
    )
  }
  const { serveHttp } = await import('./serve-http.js')
  return serveHttp(server, {
    port: port ?? server.options.http.port ?? 3000,
    drainMs: options.drainMs ?? 5000,
  })
}

function say(message: string): void {
  process.stderr.write(`${message}\n`)
}

/** `--port N`, `--port=N` or PORT. @throws StartError for something that is no port. */
function portOf(args: readonly string[]): number | undefined {
  const at = args.findIndex((arg) => arg === '--port' || arg.startsWith('--port='))
  const arg = args[at]
  const fromArgs =
    arg === undefined ? undefined : arg === '--port' ? (args[at + 1] ?? '') : arg.slice('--port='.length)
  const given = fromArgs ?? process.env['PORT']
  if (given === undefined || (fromArgs === undefined && given === '')) return undefined
  const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN
  if (!(port <= 65_535)) {
    throw new StartError(
      `${fromArgs === undefined ? 'PORT' : '--port'} must be a number from 0 to 65535, received ${JSON.stringify(given)}.`,
    )
  }
  return port
}

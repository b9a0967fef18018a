import type { Authenticator, LogFields, Logger, Server, ServerOptions } from 'holdfast'
import { createServer } from 'holdfast'
import type { Cell, ConnectOptions, RequestError, TestClient, TestServer } from 'holdfast/testing'
import { onTestFinished } from 'vitest'

export { handClock } from '../hand-clock.js'

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps what it is told. */
export function keepingLogger(): Logger & { readonly records: LogRecord[] } {
  const records: LogRecord[] = []
  const keep =
    (level: LogRecord['level']) =>
    (message: string, fields: LogFields = {}): void => {
      records.push({ level, message, fields })
    }
  return { records, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
}

/** A server for one test, with what it logs. */
export function testServer(options: Partial<ServerOptions> = {}): {
  readonly server: Server<Readonly<Record<string, unknown>>>
  readonly logged: LogRecord[]
} {
  const logger = keepingLogger()
  const server = createServer<Readonly<Record<string, unknown>>>({
    name: 'test-server',
    version: '1.2.3',
    logger,
    ...options,
  })
  onTestFinished(() => server.close({ timeoutMs: 100 }))
  return { server, logged: logger.records }
}

/** Connects for the length of one test. */
export async function open(
  cell: Pick<Cell, 'connect'>,
  server: TestServer,
  options: Omit<ConnectOptions, 'transport' | 'revision'> = {},
): Promise<TestClient> {
  const client = await cell.connect(server, options)
  onTestFinished(() => client.close())
  return client
}

/** The refusal that a request ends with. */
export async function refused(work: Promise<unknown>): Promise<RequestError> {
  try {
    await work
  } catch (error) {
    if (error instanceof Error && error.name === 'RequestError') return error as RequestError
    throw error
  }
  throw new Error('The request was answered, but a refusal was expected.')
}

/** A promise with its ends outside. */
export function gate<Value = void>(): { readonly opened: Promise<Value>; open(value: Value): void } {
  let open: (value: Value) => void = () => undefined
  const opened = new Promise<Value>((resolve) => {
    open = resolve
  })
  return { opened, open: (value) => open(value) }
}

export function textOf(result: { readonly content: readonly object[] }): string {
  const [block] = result.content
  return block !== undefined && 'text' in block ? String(block.text) : ''
}

/** The `_meta` of a stateless request, for frames that a test writes by hand; nothing for the others. */
export function envelopeOf(revision: string): Readonly<Record<string, unknown>> {
  if (revision < '2026-07-28') return {}
  return {
    _meta: {
      'io.modelcontextprotocol/protocolVersion': revision,
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  }
}

/** Takes the word of the headers X-User and X-Issuer for who calls. */
export const byHeader: Authenticator = {
  authenticate: ({ header }) => ({
    ok: true,
    principal: {
      kind: 'user',
      issuer: header('x-issuer') ?? 'https://issuer.example',
      subject: header('x-user') ?? 'nobody',
      permissions: new Set(),
      claims: {},
    },
  }),
}

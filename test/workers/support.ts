import { execFileSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { JsonSchema, Server, ServerOptions } from 'holdfast'
import type { ToolCallResult } from 'holdfast/testing'
import { onTestFinished } from 'vitest'
import { keepingLogger, type LogRecord } from '../protocol/support.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The fixture of this name as a worker. */
export function worker(name: string): URL {
  return new URL(`../fixtures/workers/${name}.mjs`, import.meta.url)
}

/** A thread runs JavaScript from a file of its own, so these tests are of the built library. */
export function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', '--library'], { cwd: root, stdio: ['ignore', 2, 2] })
}

export async function built(): Promise<Pick<typeof import('holdfast'), 'createServer'>> {
  build()
  return import(/* @vite-ignore */ pathToFileURL(`${root}/dist/index.js`).href)
}

const object = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  properties,
})
const number: JsonSchema = { type: 'number', description: 'Any.' }
const string: JsonSchema = { type: 'string', description: 'Any.' }

/** A server with every fixture as a tool of its name, and a handler that answers at once. */
export function workerServer(
  { createServer }: Pick<typeof import('holdfast'), 'createServer'>,
  options: Partial<ServerOptions> = {},
): { readonly server: Server<object>; readonly logged: LogRecord[] } {
  const logger = keepingLogger()
  const server = createServer<Readonly<Record<string, unknown>>>({
    name: 'workers',
    version: '1.0.0',
    logger,
    ...options,
  })
  onTestFinished(() => server.close({ timeoutMs: 100 }))
  const description = 'A fixture.'
  const numbers: JsonSchema = { type: 'array', items: { type: 'number' }, description: 'Any.' }
  server.tool('sum', {
    description,
    input: { ...object({ numbers }), required: ['numbers'] },
    output: { ...object({ sum: number }), required: ['sum'] },
    worker: worker('sum'),
  })
  server.tool('spin', { description, input: object({ ms: number }), worker: worker('spin') })
  server.tool('spin-briefly', {
    description,
    input: object({ ms: number }),
    timeout: 400,
    worker: worker('spin'),
  })
  server.tool('throwing', {
    description,
    input: object({ how: string }),
    errors: { too_large: { message: 'It is too large.', hint: 'Ask for less.', retryable: true } },
    worker: worker('throwing'),
  })
  server.tool('telling', {
    description,
    input: object({ steps: number, logs: number }),
    worker: worker('telling'),
  })
  server.tool('cooperative', { description, input: object({ how: string }), worker: worker('cooperative') })
  server.tool('leaving', { description, input: object({ afterMs: number }), worker: worker('leaving') })
  for (const name of ['hungry', 'exit', 'unclonable', 'printing', 'no-worker']) {
    server.tool(name, { description, worker: worker(name) })
  }
  server.tool('quick', { description }, () => 'quick')
  return { server: server as Server<object>, logged: logger.records }
}

export interface WireError {
  readonly code: string
  readonly message: string
  readonly hint?: string
  readonly retryable: boolean
  readonly retryAfterMs?: number
  readonly data?: Readonly<Record<string, unknown>>
}

/** What a program reads of a tool error. */
export function errorOf(result: ToolCallResult): WireError | undefined {
  return result._meta?.['dev.holdfast/error'] as WireError | undefined
}

/** One line of `server.stats()`. */
export function line(server: Server<object>, name: string): { size: number; limit: number; dropped: number } {
  const found = server.stats().bounded.find((one) => one.name === name)
  if (found === undefined) throw new Error(`server.stats() has no line "${name}".`)
  return found
}

import {
  audio,
  embed,
  image,
  link,
  ProtocolError,
  result,
  type Server,
  type ServerOptions,
  text,
} from 'holdfast'
import type { Message, RequestError, TestClient } from 'holdfast/testing'
import { envelopeOf, testServer } from '../protocol/support.js'

type AnyServer = Server<Readonly<Record<string, unknown>>>

/** One pixel. */
export const png: Uint8Array = Uint8Array.from(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  ),
)

/** One sample of silence. */
export const wav: Uint8Array = Uint8Array.from(
  Buffer.from(
    'RIFF\x26\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data\x02\x00\x00\x00\x00\x00',
    'latin1',
  ),
)

/** A server with one of everything that a definition can be, and with handlers that fail in every way. */
export function fullServer(options: Partial<ServerOptions> = {}): AnyServer {
  const { server } = testServer({ extensions: { 'com.example/things': { size: 1 } }, ...options })
  const input = {
    type: 'object',
    properties: { say: { type: 'string', description: 'What to say.' } },
    required: ['say'],
  } as const
  server.tool('echo', { description: 'Says what it is given.', input }, ({ say }) => say)
  const output = { type: 'object', properties: { total: { type: 'number' } }, required: ['total'] } as const
  server.tool('sum', { description: 'Adds up.', output, meta: { 'com.example/a': 1 } }, () => ({ total: 3 }))
  server.tool('media', { description: 'Shows every kind of content.' }, () => [
    text('said', { annotations: { audience: ['user'], priority: 0.5 }, meta: { 'com.example/b': 1 } }),
    image(png, 'image/png'),
    audio(wav, 'audio/wav'),
    link({ uri: 'app://config', name: 'config' }),
    embed({ uri: 'app://bytes', blob: png, mimeType: 'image/png' }),
  ])
  server.tool('noted', { description: 'Answers with metadata.' }, () =>
    result({ content: 'noted', meta: { 'com.example/c': 1 } }),
  )
  server.tool('fails', { description: 'Fails on purpose.' }, (_args, ctx) => {
    throw ctx.error('no_luck', { message: 'Not today.', retryable: true, retryAfterMs: 1000 })
  })
  server.tool('throws', { description: 'Fails by mistake.' }, throws)
  server.tool('asks', { description: 'Needs sampling.', requires: ['sampling'] }, () => 'sampled')
  server.tool('slow', { description: 'Takes too long.', timeout: 20 }, () => new Promise(() => undefined))
  server.resource(
    'config',
    { uri: 'app://config', description: 'Settings.', mimeType: 'application/json' },
    () => ({ a: 1 }),
  )
  server.resource(
    'bytes',
    { uri: 'app://bytes', description: 'A picture.', mimeType: 'image/png' },
    () => png,
  )
  server.resource('broken', { uri: 'app://broken', description: 'Fails by mistake.' }, throws)
  server.resource('closed', { uri: 'app://closed', description: 'Fails on purpose.' }, () => {
    throw new ProtocolError('invalid_params', 'The range is empty.')
  })
  server.resource(
    'row',
    {
      uriTemplate: 'app://rows/{id}',
      description: 'One row.',
      list: () => ['1', '2'].map((id) => ({ uri: `app://rows/${id}`, name: `row-${id}` })),
      complete: { id: () => ['1', '2'] },
    },
    ({ params }) => (['1', '2'].includes(params.id) ? `row ${params.id}` : undefined),
  )
  const guest = { type: 'object', properties: { who: { type: 'string' } }, required: ['who'] } as const
  server.prompt('greet', { description: 'Greets.', input: guest }, ({ who }) => `Greet ${who}.`)
  server.prompt('broken', { description: 'Fails by mistake.' }, throws)
  return server
}

function throws(): never {
  throw new Error('no route to 10.0.0.7')
}

/** How one request of a visit ended. */
export interface Visited {
  readonly method: string
  readonly params: Message
  readonly result: Message | undefined
  readonly refusal: RequestError | undefined
}

const answered: readonly (readonly [method: string, params: Message])[] = [
  ['tools/list', {}],
  ['tools/call', { name: 'echo', arguments: { say: 'hi' } }],
  ['tools/call', { name: 'echo', arguments: { say: 7 } }],
  ['tools/call', { name: 'sum' }],
  ['tools/call', { name: 'media' }],
  ['tools/call', { name: 'noted' }],
  ['tools/call', { name: 'fails' }],
  ['tools/call', { name: 'throws' }],
  ['tools/call', { name: 'slow' }],
  ['resources/list', {}],
  ['resources/templates/list', {}],
  ['resources/read', { uri: 'app://config' }],
  ['resources/read', { uri: 'app://bytes' }],
  ['resources/read', { uri: 'app://rows/1' }],
  ['prompts/list', {}],
  ['prompts/get', { name: 'greet', arguments: { who: 'Ada' } }],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'app://rows/{id}' }, argument: { name: 'id', value: '' } },
  ],
]

const refusedRequests: readonly (readonly [method: string, params: Message])[] = [
  ['doctor/none', {}],
  ['tools/list', { cursor: 'doctor-invalid' }],
  ['tools/call', {}],
  ['tools/call', { name: 'nobody' }],
  ['tools/call', { name: 'echo', arguments: [] }],
  ['resources/read', { uri: '' }],
  ['resources/read', { uri: 'app://nobody' }],
  ['resources/read', { uri: 'app://rows/3' }],
  ['resources/read', { uri: 'app://broken' }],
  ['resources/read', { uri: 'app://closed' }],
  ['prompts/get', { name: 'nobody' }],
  ['prompts/get', { name: 'greet' }],
  ['prompts/get', { name: 'broken' }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'nobody' }, argument: { name: 'a', value: '' } },
  ],
]

/** Frames that are no request a server can run. */
export const faultyFrames: readonly string[] = [
  '{',
  '7',
  '{}',
  '{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
]

/** Sends a client through everything that a full server has; what came is in `client.received` too. */
export async function visitAll(client: TestClient): Promise<readonly Visited[]> {
  const opening = envelopeOf(client.revision)['_meta'] === undefined ? 'ping' : 'server/discover'
  const visits: Visited[] = []
  for (const [method, params] of [[opening, {}] as const, ...answered, ...refusedRequests]) {
    visits.push(await visit(client, method, params))
  }
  for (const frame of faultyFrames) await client.exchange(frame)
  return visits
}

async function visit(client: TestClient, method: string, params: Message): Promise<Visited> {
  try {
    return { method, params, result: await client.request(method, params), refusal: undefined }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'RequestError') throw error
    return { method, params, result: undefined, refusal: error as RequestError }
  }
}

/** Every object within a value, itself included. */
export function objectsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (Array.isArray(value)) return value.flatMap(objectsIn)
  if (typeof value !== 'object' || value === null) return []
  return [value as Readonly<Record<string, unknown>>, ...Object.values(value).flatMap(objectsIn)]
}

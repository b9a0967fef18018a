import {
  CallToolResultSchema,
  CompleteResultSchema,
  DiscoverResultSchema,
  GetPromptResultSchema,
  InitializeResultSchema,
  ListPromptsResultSchema,
  ListResourcesResultSchema,
  ListResourceTemplatesResultSchema,
  ListToolsResultSchema,
  ReadResourceResultSchema,
} from '@modelcontextprotocol/core'
import { audio, createServer, embed, image, jsonSchema, link, result, text, user } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

/**
 * The type test compares shapes that are written by hand; this one compares what really leaves. Parsing drops
 * what the official schemas do not know, so an answer that comes back unchanged is known to them in full.
 */
const icons = [{ src: 'https://example.com/i.png', mimeType: 'image/png', sizes: ['48x48'] }]
const annotations = { audience: ['user' as const], priority: 0.5 }
const meta = { 'com.example/note': 'any' }

const server = createServer({
  name: 'official',
  version: '1.0.0',
  title: 'Official',
  description: 'Shows every field.',
  websiteUrl: 'https://example.com',
  icons,
  instructions: 'Read the answers.',
  logger: { debug() {}, info() {}, warn() {}, error() {} },
})
const blocks = () => [
  text('text', { annotations, meta }),
  image('AAAA', 'image/png', { annotations }),
  audio('AAAA', 'audio/wav'),
  link({ uri: 'app://config', name: 'config', title: 'Config', size: 3, icons, annotations }),
  embed({ uri: 'app://config', mimeType: 'text/plain', text: 'any' }),
  embed({ uri: 'app://bytes', mimeType: 'application/octet-stream', blob: new Uint8Array([1]) }),
]
server.tool(
  'full',
  {
    description: 'Returns everything.',
    title: 'Full',
    icons,
    meta,
    annotations: { title: 'Full', readOnlyHint: true, openWorldHint: false },
    input: z.object({ id: z.string().optional().describe('Any.') }),
    output: z.object({ id: z.string() }),
  },
  () => result({ content: blocks(), structured: { id: '1' }, meta }),
)
server.tool(
  'scalar',
  { description: 'Returns a number.', output: jsonSchema<number>({ type: 'number' }) },
  () => 3,
)
server.tool(
  'failing',
  { description: 'Fails on purpose.', errors: { no: { message: 'No.' } } },
  (_args, ctx) => {
    throw ctx.error('no')
  },
)
server.resource(
  'config',
  {
    description: 'Settings.',
    uri: 'app://config',
    mimeType: 'text/plain',
    title: 'Config',
    size: 3,
    icons,
    annotations,
    meta,
    cache: { ttl: '1m' },
  },
  () => 'any',
)
server.resource(
  'table',
  {
    description: 'A table.',
    uriTemplate: 'data://{name}',
    title: 'Table',
    icons,
    annotations,
    complete: { name: () => ['a', 'b'] },
  },
  () => new Uint8Array([1, 2]),
)
server.prompt(
  'ask',
  {
    description: 'Asks.',
    title: 'Ask',
    icons,
    meta,
    input: z.object({ topic: z.string().describe('Any.') }),
  },
  () => blocks().map((block) => user(block)),
)

const requests = [
  ['tools/list', {}, ListToolsResultSchema],
  ['tools/call', { name: 'full', arguments: {} }, CallToolResultSchema],
  ['tools/call', { name: 'scalar' }, CallToolResultSchema],
  ['tools/call', { name: 'failing' }, CallToolResultSchema],
  ['tools/call', { name: 'full', arguments: { id: 3 } }, CallToolResultSchema],
  ['resources/list', {}, ListResourcesResultSchema],
  ['resources/templates/list', {}, ListResourceTemplatesResultSchema],
  ['resources/read', { uri: 'app://config' }, ReadResourceResultSchema],
  ['resources/read', { uri: 'data://x' }, ReadResourceResultSchema],
  ['prompts/list', {}, ListPromptsResultSchema],
  ['prompts/get', { name: 'ask', arguments: { topic: 'x' } }, GetPromptResultSchema],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'data://{name}' }, argument: { name: 'name', value: '' } },
    CompleteResultSchema,
  ],
] as const

/** Sends one request on a connection and gives back its result. */
function asker(): (method: string, params: object) => Promise<unknown> {
  const waiting: ((result: unknown) => void)[] = []
  const connection = server.connect({
    transport: 'memory',
    send: (sent) => waiting.shift()?.((JSON.parse(sent) as { result?: unknown }).result),
  })
  return (method, params) =>
    new Promise((resolve) => {
      waiting.push(resolve)
      connection.receive(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
    })
}

describe('every answer is known to the official schemas', () => {
  const clientInfo = { name: 'test', version: '1' }

  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('%s', async (protocolVersion) => {
    const ask = asker()
    const opened = await ask('initialize', { protocolVersion, capabilities: {}, clientInfo })
    expect(InitializeResultSchema.parse(opened)).toEqual(opened)
    for (const [method, params, schema] of requests) {
      if (method === 'completion/complete' && protocolVersion === '2024-11-05') continue
      const answer = await ask(method, params)
      expect(schema.parse(answer), `${method} ${JSON.stringify(params)}`).toEqual(answer)
    }
  })

  it('2026-07-28', async () => {
    const ask = asker()
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': clientInfo,
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const found = await ask('server/discover', { _meta })
    expect(DiscoverResultSchema.parse(found)).toEqual(found)
    for (const [method, params, schema] of requests) {
      const answer = await ask(method, { ...params, _meta })
      expect(schema.parse(answer), `${method} ${JSON.stringify(params)}`).toEqual(answer)
    }
  })
})

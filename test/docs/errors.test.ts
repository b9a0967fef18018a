import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createServer } from 'holdfast'
import { connect } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { catalogue } from '../../src/errors/catalogue.js'
import { revisions } from '../../src/protocol/revisions/all.js'
import { root } from './fences.js'

const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')

interface Section {
  readonly family: string
  readonly text: string
}

/** The `###` sections below the two headings of the families. */
function readSections(): Map<string, Section> {
  const found = new Map<string, Section>()
  for (const [heading, family] of [
    ['## Protocol errors', 'protocol'],
    ['## Tool errors', 'tool'],
  ] as const) {
    const body = page.split(`\n${heading}\n`)[1]?.split(/\n## /)[0] ?? ''
    for (const part of body.split(/\n### /).slice(1)) {
      const end = part.indexOf('\n')
      found.set(part.slice(0, end), { family, text: part.slice(end) })
    }
  }
  return found
}

const sections = readSections()
const entries = Object.entries(catalogue)

/** The table on top: name -> the cells beside it. */
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)` \| (.*?) \| (.*?) ?\| (.*?) \|$/gm)].map(
    ([, name = '', code = '', handshake = '', stateless = '']) => [name, { code, handshake, stateless }],
  ),
)

describe('docs/errors.md', () => {
  it('has a section for every entry of the catalogue and for nothing else', () => {
    expect([...sections.keys()].sort()).toEqual(entries.map(([name]) => name).sort())
  })

  it.each(entries)('states the family and code of %s', (name, entry) => {
    const section = sections.get(name)
    expect(section?.family).toBe(entry.family)
    const stated = /^JSON-RPC code: (-\d+)$/m.exec(section?.text ?? '')?.[1]
    expect(stated).toBe('code' in entry ? String(entry.code) : undefined)
    if (entry.family === 'tool') expect(section?.text).toMatch(/^Tool error$/m)
  })

  it.each(entries)('says what caller and author do about %s', (_name, _entry) => {
    const text = sections.get(_name)?.text ?? ''
    expect(text).toMatch(/^- Caller: \S/m)
    expect(text).toMatch(/^- Author: \S/m)
  })

  it.each(entries.filter(([, entry]) => 'code' in entry))(
    'states the HTTP status of %s that the revisions give it',
    (name, entry) => {
      const row = rows.get(name)
      expect(row?.code).toContain('code' in entry ? String(entry.code) : '')
      for (const revision of revisions) {
        const stated = revision.era === 'handshake' ? row?.handshake : row?.stateless
        // An empty cell: the entry does not occur in that era.
        if (stated !== '') expect(Number(stated)).toBe(revision.http.status[name] ?? 200)
      }
    },
  )

  it('names the code of a missing resource under every revision', () => {
    for (const revision of revisions) {
      expect(sections.get('resource_not_found')?.text).toContain(String(revision.resourceNotFound))
    }
  })
})

describe('the catalogue', () => {
  // The revisions' tables of HTTP statuses name errors without ever making one.
  const code = (readdirSync(join(root, 'src'), { recursive: true }) as string[])
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /(?<!\.test)\.ts$/.test(path))
    .filter((path) => path !== 'errors/catalogue.ts' && !path.startsWith('protocol/revisions/'))
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
    .join('\n')

  it.each(entries)('has no entry that nothing uses: %s', (name) => {
    // As an argument (`'parse_error'`) or read from the catalogue (`catalogue.parse_error`); a comment is no use.
    expect(code.replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')).toMatch(
      new RegExp(`'${name}'|\\bcatalogue\\.${name}\\b`),
    )
  })

  it('holds every code that a tool error of ours carries', () => {
    const made = [...code.matchAll(/new ToolError\(\s*'(\w+)'/g)].map((match) => match[1])
    expect(made.length).toBeGreaterThan(0)
    for (const name of made) {
      expect(entries.filter(([, entry]) => entry.family === 'tool').map(([known]) => known)).toContain(name)
    }
  })
})

/** The server that the examples on the page come from. */
function exampleServer() {
  const server = createServer({
    name: 'examples',
    version: '1.0.0',
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  server.tool(
    'find-order',
    { description: 'Find one order.', timeout: '20ms' },
    () => new Promise<never>(() => undefined),
  )
  server.tool(
    'search-orders',
    {
      description: 'Search orders.',
      input: z.object({ limit: z.number().max(100).describe('At most.') }),
      errors: {
        order_not_found: { message: 'No order has this number.', hint: 'Call search-orders first.' },
      },
    },
    (_args, ctx) => {
      throw ctx.error('order_not_found', { field: 'orderId', value: 'ORD-9' })
    },
  )
  server.tool('break', { description: 'Fails.' }, () => {
    throw new Error('nobody may read this')
  })
  server.resource('config', { uri: 'app://config', description: 'Settings.' }, () => {
    throw new Error('nobody may read this')
  })
  return server
}

const exampleOf = (name: string): string =>
  /^- Example: `(.*)`$/m.exec(sections.get(name)?.text ?? '')?.[1] ?? `${name} has no example`

/** A correlation id is another one each time, and the page shortens it. */
const withoutId = (message: string): string => message.replace(/(under ).*\.$/, '$1ID.')

describe('the examples in docs/errors.md', () => {
  const version = 'io.modelcontextprotocol/protocolVersion'

  it.each([
    ['method_not_found', '2025-11-25', 'tasks/list', {}],
    ['invalid_params', '2025-11-25', 'tools/call', { name: 'find-ordr' }],
    ['resource_not_found', '2025-11-25', 'resources/read', { uri: 'app://confg' }],
    ['resource_not_found', '2026-07-28', 'resources/read', { uri: 'app://confg' }],
    ['internal_error', '2026-07-28', 'resources/read', { uri: 'app://config' }],
  ] as const)('%s under %s is what is sent', async (name, revision, method, params) => {
    const client = await connect(exampleServer(), { revision })
    const wanted = name === 'resource_not_found' && revision < '2026' ? -32002 : catalogue[name].code
    const refused = await client.request(method, params).then(undefined, (error: unknown) => error)
    expect(refused).toMatchObject({ code: wanted })
    expect(withoutId((refused as Error).message)).toBe(withoutId(exampleOf(name)))
    await client.close()
  })

  it.each([
    ['parse_error', '{"jsonrpc":'],
    ['invalid_request', '{"jsonrpc":"1.0","id":1,"method":"ping"}'],
    [
      'invalid_envelope',
      JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/list' },
        params: { _meta: { [version]: '2026-07-28' } },
      }),
    ],
    [
      'unsupported_protocol_version',
      JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'tools/list' },
        params: { _meta: { [version]: '2027-01-01' } },
      }),
    ],
  ] as const)('%s is what is sent', async (name, frame) => {
    const client = await connect(exampleServer(), { open: false })
    const { messages } = await client.exchange(frame)
    expect(messages).toMatchObject([{ error: { code: catalogue[name].code, message: exampleOf(name) } }])
    await client.close()
  })

  it('header_mismatch is what is sent', async () => {
    const client = await connect(exampleServer(), { transport: 'http' })
    const refused = client.callTool('remove', {}, { headers: { 'mcp-name': 'add' } })
    await expect(refused).rejects.toMatchObject({ code: -32020, httpStatus: 400 })
    await expect(refused).rejects.toThrow(exampleOf('header_mismatch'))
    await client.close()
  })

  it.each([
    ['invalid_arguments', 'search-orders', { limit: 500 }],
    ['timed_out', 'find-order', {}],
    ['internal', 'break', {}],
  ] as const)('%s is what is sent', async (name, tool, args) => {
    const client = await connect(exampleServer())
    const { content, isError, _meta } = await client.callTool(tool, args)
    expect(isError).toBe(true)
    expect(_meta?.['dev.holdfast/error']).toMatchObject({ code: name, retryable: catalogue[name].retryable })
    const said = content[0]?.type === 'text' ? content[0].text : ''
    const example = exampleOf(name)
      .replace('within 2 s', 'within 20 ms')
      .replace('find-order" failed', 'break" failed')
    expect(withoutId(said)).toBe(withoutId(example))
    await client.close()
  })

  it('the contract of tool errors is what is sent', async () => {
    const shown: unknown = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    const client = await connect(exampleServer(), { revision: '2025-11-25' })
    expect(await client.callTool('search-orders', { limit: 1 })).toEqual(shown)
    await client.close()
  })
})

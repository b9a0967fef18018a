import type { Server } from 'holdfast'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Desk, openDesk } from './data/desk.js'
import { duckdbEngine } from './desk-engine.js'
import { createDataDesk, createDeskServer } from './server.js'
import type { Services } from './services.js'

const files = new Set(['airports.csv', 'lookup_people.csv'])
let server: Server<Services>

beforeAll(async () => {
  server = await createDataDesk({ only: (file) => files.has(file) })
})
afterAll(() => server.close())

interface Answer {
  readonly result?: Record<string, unknown>
  readonly error?: { readonly code: number; readonly message: string }
}

async function send(method: string, params: Record<string, unknown> = {}): Promise<Answer> {
  const name = params['name'] ?? params['uri']
  const response = await server.fetch(
    new Request('http://127.0.0.1/mcp', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
        'MCP-Protocol-Version': '2026-07-28',
        'Mcp-Method': method,
        ...(typeof name === 'string' ? { 'Mcp-Name': name } : {}),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method,
        params: {
          ...params,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    }),
  )
  return (await response.json()) as Answer
}

const call = async (name: string, args: Record<string, unknown> = {}): Promise<Record<string, unknown>> =>
  (await send('tools/call', { name, arguments: args })).result ?? {}

describe('the tools', () => {
  it('are seven without flights, all but one read only, each with an output schema', async () => {
    const { result } = await send('tools/list')
    const readers = [
      'list-datasets',
      'describe-dataset',
      'profile-dataset',
      'query-dataset',
      'format-rows',
      'export-dataset',
    ]
    expect(result?.['tools']).toEqual(
      [...readers, 'import-csv'].map((name) =>
        expect.objectContaining({
          name,
          annotations: expect.objectContaining(
            readers.includes(name)
              ? { readOnlyHint: true, openWorldHint: false }
              : { readOnlyHint: false, openWorldHint: true },
          ),
          outputSchema: expect.anything(),
        }),
      ),
    )
  })

  it('list, describe, query and format', async () => {
    expect(await call('list-datasets')).toMatchObject({
      structuredContent: {
        datasets: [
          { name: 'airports', rows: 3376 },
          { name: 'people', rows: 9 },
        ],
      },
    })
    expect(await call('describe-dataset', { name: 'People' })).toMatchObject({
      structuredContent: {
        name: 'people',
        columns: [{ name: 'name' }, { name: 'age', min: 21 }, { name: 'height' }],
      },
    })
    const answer = await call('query-dataset', { sql: 'SELECT name, age FROM people ORDER BY age', limit: 2 })
    expect(answer).toMatchObject({
      structuredContent: {
        rows: [
          { name: 'Will', age: 21 },
          { name: 'Nick', age: 23 },
        ],
        rowCount: 2,
        truncated: true,
      },
    })
    expect(JSON.stringify(answer)).toContain('OFFSET 2')
    expect(await call('format-rows', { rows: [{ a: '=1', b: 2 }], format: 'csv' })).toMatchObject({
      content: [{ text: "a,b\r\n'=1,2\r\n" }, { text: expect.stringContaining('apostrophe') }],
      structuredContent: { mediaType: 'text/csv', rows: 1, columns: 2 },
    })
  })

  it.each([
    ['describe-dataset', { name: 'poeple' }, 'dataset_not_found', 'people'],
    ['query-dataset', { sql: 'DROP TABLE people' }, 'not_read_only', 'DROP'],
    ['query-dataset', { sql: 'SELECT nam FROM people' }, 'sql_error', 'name'],
    ['query-dataset', { sql: 'SELECT 1', limit: 1001 }, 'invalid_arguments', 'limit'],
    ['format-rows', { rows: [], format: 'yaml' }, 'invalid_arguments', 'markdown'],
  ])('%s %j is the tool error %s', async (name, args, code, part) => {
    const answer = await call(name, args)
    expect(answer).toMatchObject({ isError: true, _meta: { 'dev.holdfast/error': { code } } })
    expect(JSON.stringify(answer['content'])).toContain(part)
  })
})

describe('the resource and the prompt', () => {
  it('serve and complete', async () => {
    const { result } = await send('resources/read', { uri: 'data://people/schema' })
    expect(result).toMatchObject({
      contents: [{ mimeType: 'application/json', text: expect.stringContaining('"height"') }],
    })
    expect((await send('resources/read', { uri: 'data://nobody/schema' })).error).toBeDefined()
    const template = { type: 'ref/resource', uri: 'data://{name}/schema' }
    expect(
      (await send('completion/complete', { ref: template, argument: { name: 'name', value: 'peo' } })).result,
    ).toMatchObject({ completion: { values: ['people'] } })
    const prompt = { type: 'ref/prompt', name: 'explore-dataset' }
    expect(
      (await send('completion/complete', { ref: prompt, argument: { name: 'dataset', value: 'air' } }))
        .result,
    ).toMatchObject({ completion: { values: ['airports'] } })
    const got = await send('prompts/get', {
      name: 'explore-dataset',
      arguments: { dataset: 'people', question: 'Why?' },
    })
    expect(JSON.stringify(got.result)).toContain('answer: Why?')
    const unknown = await send('prompts/get', { name: 'explore-dataset', arguments: { dataset: 'poeple' } })
    expect(JSON.stringify(unknown.result)).toContain('Similar names: people')
  })
})

describe('the desk', () => {
  const only = (file: string): boolean => file === 'lookup_people.csv'

  it('is opened when the server starts, once, and closed when it closes', async () => {
    const opened: Desk[] = []
    const own = createDeskServer({
      ...duckdbEngine({ only }, false),
      async open() {
        const desk = await openDesk({ only })
        opened.push(desk)
        return { desk }
      },
    })
    expect(opened).toHaveLength(0)
    await Promise.all([own.start(), own.start()])
    expect(opened).toHaveLength(1)
    const lines = own.stats().bounded.map(({ name }) => name)
    expect(lines).toEqual(expect.arrayContaining(['queries', 'exports', 'imports', 'imported bytes']))
    expect((await opened[0]?.query('SELECT 1 AS n'))?.rows).toEqual([{ n: 1 }])
    await own.close()
    await expect(opened[0]?.query('SELECT 1 AS n')).rejects.toMatchObject({ code: 'desk_busy' })
  })

  it('that cannot be opened stops the start with one sentence', async () => {
    await expect(createDataDesk({ only: () => false })).rejects.toThrow(
      /^The service "deskFor" cannot start: The data directory [^\n]+ holds no CSV[^\n]+\.$/,
    )
  })
})

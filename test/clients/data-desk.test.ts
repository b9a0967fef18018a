import { type Served, serve } from 'holdfast/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDataDesk } from '../../examples/data-desk/src/server.js'
import { type DeskPlaces, deskCells } from './desk-cells.js'
import type { DeskClient } from './desk-client.js'
import { cities, endlessSql, type SampleData, sampleData } from './sample-data.js'
import { ownStateHome } from './state-home.js'

let removeState: () => Promise<void>
let data: SampleData
let served: Served
let places: DeskPlaces

beforeAll(async () => {
  removeState = await ownStateHome()
  data = await sampleData()
  const server = await createDataDesk({ data: data.directory })
  served = await serve(server, { transport: 'http', port: 0 })
  places = { url: served.url, server, args: ['--data', data.directory] }
})
afterAll(async () => {
  await served.close()
  await data.remove()
  await removeState()
})

/** Each tool with the parameters it takes, those that must be given first; all but import-csv only read. */
const toolParameters = {
  'list-datasets': [[], []],
  'describe-dataset': [['name'], ['name']],
  'profile-dataset': [['name'], ['name', 'columns']],
  'query-dataset': [['sql'], ['sql', 'limit']],
  'format-rows': [
    ['rows', 'format'],
    ['rows', 'format'],
  ],
  'export-dataset': [
    ['name', 'format'],
    ['name', 'format', 'columns', 'limit'],
  ],
  'import-csv': [
    ['url', 'name'],
    ['url', 'name'],
  ],
} as const

describe.each(deskCells)('$name', ({ client: which, connect, revision }) => {
  const since = (first: string): boolean => revision >= first
  const structures = since('2025-06-18')
  let client: DeskClient

  beforeAll(async () => {
    client = await connect(places)
  })
  afterAll(() => client.close())

  /** The same value as structured content, where the revision has it, and as JSON text everywhere. */
  async function value(name: string, args: Record<string, unknown>): Promise<unknown> {
    const { text, isError, structured } = await client.call(name, args)
    expect({ isError, text }).toMatchObject({ isError: false })
    const spoken: unknown = JSON.parse(text)
    expect(structured).toEqual(structures ? spoken : undefined)
    return spoken
  }

  async function refusal(name: string, args: Record<string, unknown>, code: string): Promise<string> {
    const { text, isError, structured, meta } = await client.call(name, args)
    expect({ isError, structured, meta }).toMatchObject({
      isError: true,
      structured: undefined,
      meta: { 'dev.holdfast/error': { code } },
    })
    return text
  }

  it('settles on the revision and says who it is', () => {
    expect(client.version).toBe(revision)
    expect(client.serverInfo).toEqual({
      name: 'data-desk',
      version: '0.1.0',
      ...(since('2025-06-18') ? { title: 'Data desk' } : {}),
      ...(since('2025-11-25')
        ? { description: 'Reads and queries real datasets with SQL, and changes nothing.' }
        : {}),
    })
    expect(client.instructions).toMatch(/^Datasets .*list-datasets/)
    expect(Object.keys(client.capabilities ?? {}).sort()).toEqual(
      [
        'tools',
        'resources',
        'prompts',
        'logging',
        ...(since('2025-03-26') ? ['completions'] : []),
        ...(since('2026-07-28') ? ['extensions'] : []),
      ].sort(),
    )
  })

  it('lists the tools as the revision describes them', async () => {
    const tools = await client.tools()
    expect(tools.map(({ name }) => name)).toEqual(Object.keys(toolParameters))
    const fields = [
      ...['name', 'description', 'inputSchema'],
      ...(since('2025-03-26') ? ['annotations'] : []),
      ...(since('2025-06-18') ? ['title', 'outputSchema'] : []),
    ].sort()
    for (const tool of tools) {
      const [required, all] = toolParameters[tool['name'] as keyof typeof toolParameters]
      expect(Object.keys(tool).sort()).toEqual(fields)
      const schema = tool['inputSchema'] as { type: string; required?: string[]; properties?: object }
      expect(schema.type).toBe('object')
      expect(schema.required ?? []).toEqual(required)
      expect(Object.keys(schema.properties ?? {})).toEqual(all)
      if (since('2025-03-26')) {
        const reads = tool['name'] !== 'import-csv'
        expect(tool['annotations']).toMatchObject({ readOnlyHint: reads, openWorldHint: !reads })
      }
      if (structures) expect(tool['outputSchema']).toMatchObject({ type: 'object' })
    }
  })

  it('lists the datasets', async () => {
    expect(await value('list-datasets', {})).toEqual({
      datasets: [
        {
          name: 'cities',
          sql: 'cities',
          file: 'cities.csv',
          rows: 3,
          columns: ['name', 'country', 'people'],
        },
        { name: 'numbers', sql: 'numbers', file: 'numbers.csv', rows: 1000, columns: ['n'] },
      ],
    })
  })

  it('describes a dataset', async () => {
    expect(await value('describe-dataset', { name: 'Cities' })).toMatchObject({
      name: 'cities',
      rows: 3,
      columns: [
        { name: 'name', type: 'VARCHAR', nullShare: 0, approxDistinct: 3, min: 'Bergen', max: 'Łódź' },
        { name: 'country', type: 'VARCHAR' },
        { name: 'people', type: 'BIGINT', min: 291_940, max: 1_463_723 },
      ],
      sample: cities,
    })
    expect(await refusal('describe-dataset', { name: 'citys' }, 'dataset_not_found')).toContain('cities')
  })

  it('answers a query', async () => {
    const sql = 'SELECT * FROM cities ORDER BY people'
    expect(await value('query-dataset', { sql })).toEqual({
      columns: [
        { name: 'name', type: 'VARCHAR' },
        { name: 'country', type: 'VARCHAR' },
        { name: 'people', type: 'BIGINT' },
      ],
      rows: cities,
      rowCount: 3,
      truncated: false,
    })
    expect(await value('query-dataset', { sql, limit: 2 })).toMatchObject({
      rows: cities.slice(0, 2),
      truncated: true,
      note: expect.stringContaining('OFFSET 2'),
    })
  })

  it('refuses a statement that is not a read', async () => {
    const said = await refusal('query-dataset', { sql: 'DROP TABLE cities' }, 'not_read_only')
    expect(said).toMatch(/DROP .*only reads/)
    expect(await refusal('query-dataset', { sql: 'SELECT 1; SELECT 2' }, 'not_read_only')).toContain('one')
    const file = await refusal('query-dataset', { sql: "FROM read_csv('/etc/passwd')" }, 'not_read_only')
    expect(file).toContain('read_csv')
  })

  it('says what is wrong with the SQL', async () => {
    const said = await refusal('query-dataset', { sql: 'SELECT peple FROM cities' }, 'sql_error')
    expect(said).toContain('peple')
    expect(said).toContain('people')
    expect(await refusal('query-dataset', { sql: 'SELECT * FROM city' }, 'sql_error')).toContain('city')
  })

  it('names the parameter that is wrong', async () => {
    expect(await refusal('query-dataset', { sql: 'SELECT 1', limit: 0 }, 'invalid_arguments')).toMatch(
      /limit.*1.*0/s,
    )
    expect(await refusal('query-dataset', {}, 'invalid_arguments')).toContain('sql')
    expect(await refusal('format-rows', { rows: [], format: 'yaml' }, 'invalid_arguments')).toMatch(
      /format.*markdown.*yaml/s,
    )
  })

  it('knows no other tool', async () => {
    await expect(client.call('drop-dataset')).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('drop-dataset'),
    })
  })

  it('formats rows', async () => {
    const { text, isError, structured } = await client.call('format-rows', {
      rows: [{ name: 'Łódź', note: 'a "b", c' }],
      format: 'csv',
    })
    expect({ text, isError }).toEqual({ text: 'name,note\r\nŁódź,"a ""b"", c"\r\n', isError: false })
    if (structures) expect(structured).toMatchObject({ mediaType: 'text/csv', text, rows: 1, columns: 2 })
    else expect(structured).toBeUndefined()
  })

  it('serves the schemas as resources', async () => {
    expect(await client.templates()).toEqual([
      {
        name: 'dataset-schema',
        uriTemplate: 'data://{name}/schema',
        description: expect.any(String),
        mimeType: 'application/json',
        ...(structures ? { title: 'Dataset schema' } : {}),
      },
    ])
    expect((await client.resources()).map((resource) => 'uri' in resource && resource.uri)).toEqual([
      'data://cities/schema',
      'data://numbers/schema',
    ])
    const uri = 'data://numbers/schema'
    const [contents, ...more] = (await client.read(uri)) as { text: string }[]
    expect(more).toEqual([])
    expect(contents).toMatchObject({ uri, mimeType: 'application/json' })
    expect(JSON.parse(contents?.text ?? '')).toMatchObject({
      name: 'numbers',
      columns: [{ name: 'n', type: 'BIGINT' }],
    })
  })

  it('says that a resource is missing', async () => {
    await expect(client.read('data://nobody/schema')).rejects.toMatchObject({
      // The v2 client turns the older revisions' -32002 into the newest one's code.
      code: which === 'v2' ? -32602 : -32002,
      message: expect.stringContaining('data://nobody/schema'),
    })
  })

  it('gives the prompt', async () => {
    expect(await client.prompts()).toMatchObject([
      { name: 'explore-dataset', arguments: [{ name: 'dataset', required: true }, { name: 'question' }] },
    ])
    expect(await client.prompt('explore-dataset', { dataset: 'cities', question: 'Why there?' })).toEqual([
      { role: 'user', content: { type: 'text', text: expect.stringMatching(/Why there\?.*cities/s) } },
    ])
    await expect(client.prompt('explore-dataset', {})).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('dataset'),
    })
  })

  it('completes names', async () => {
    const template = { type: 'ref/resource', uri: 'data://{name}/schema' } as const
    expect(await client.complete(template, { name: 'name', value: 'nu' })).toEqual(['numbers'])
    const prompt = { type: 'ref/prompt', name: 'explore-dataset' } as const
    expect(await client.complete(prompt, { name: 'dataset', value: '' })).toEqual(['cities', 'numbers'])
  })

  it('answers a ping where there is one', async () => {
    if (since('2026-07-28')) await expect(client.ping()).rejects.toThrow('ping')
    else expect(await client.ping()).toEqual({})
  })

  it('interrupts the queries of cancelled calls', async () => {
    const hurry = new AbortController()
    // As many as the desk has connections, so that the next query has to wait for one of them.
    const busy = Array.from({ length: 3 }, () =>
      client.call('query-dataset', { sql: endlessSql }, hurry.signal).then(
        () => 'answered',
        () => 'cancelled',
      ),
    )
    let next: Promise<unknown>
    do {
      next = value('query-dataset', { sql: 'SELECT 1 AS one' })
    } while (await settlesWithin(next, 200))
    const from = performance.now()
    hurry.abort('enough')
    expect(await next).toMatchObject({ rows: [{ one: 1 }] })
    expect(performance.now() - from).toBeLessThan(2000)
    expect(await Promise.all(busy)).toEqual(['cancelled', 'cancelled', 'cancelled'])
  })
})

/** Whether a promise is settled before so many milliseconds are over. */
async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const settled = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return settled
}

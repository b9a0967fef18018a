import { createServer, type Principal, type Server } from 'holdfast'
import { type Cell, cells, type TestClient } from 'holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { open, refused, testServer } from '../protocol/support.js'

const caller = (...permissions: string[]): Principal => ({
  kind: 'user',
  issuer: 'https://issuer.example',
  subject: 'alice',
  permissions: new Set(permissions),
  claims: {},
})

/** Over HTTP the header X-Granted says what the caller was granted; without it nobody is known. */
const byGrant = {
  authenticate: ({ header }: { header(name: string): string | undefined }) => {
    const granted = header('x-granted')
    return {
      ok: true as const,
      principal:
        granted === undefined
          ? { ...caller(), kind: 'anonymous' as const, subject: '' }
          : caller(...granted.split(' ')),
    }
  },
}

function guarded(): Server<Readonly<Record<string, unknown>>> {
  const { server } = testServer({ auth: byGrant })
  const description = 'Guarded.'
  const permissions = ['orders:read']
  const complete = { id: () => ['1', '2'] }
  server.tool('find', { description, permissions }, () => 'found')
  server.tool('open', { description: 'Open to all.' }, () => 'open')
  server.resource('fixed', { uri: 'app://fixed', description, permissions }, () => 'fixed')
  server.resource(
    'one',
    {
      uriTemplate: 'order://{id}',
      description,
      permissions,
      complete,
      list: () => [{ uri: 'order://1', name: 'First' }],
    },
    () => 'one',
  )
  server.prompt(
    'sum',
    {
      description,
      permissions,
      complete,
      input: { type: 'object', properties: { id: { type: 'string', description: 'Which.' } } },
    },
    () => 'Sum up.',
  )
  return server
}

/** Connects as somebody who was granted this; undefined: as nobody. */
function connectAs(cell: Cell, server: Server, granted: string | undefined): Promise<TestClient> {
  if (cell.transport === 'http') {
    return open(cell, server, { headers: granted === undefined ? {} : { 'x-granted': granted } })
  }
  return open(cell, server, granted === undefined ? {} : { principal: caller(...granted.split(' ')) })
}

const names = (items: unknown, key: string): unknown[] =>
  (items as readonly Record<string, unknown>[]).map((item) => item[key])

/** A request for each kind of definition, and what it answers to who may. */
const requests: readonly (readonly [kind: string, method: string, params: object])[] = [
  ['resource', 'resources/read', { uri: 'app://fixed' }],
  ['template', 'resources/read', { uri: 'order://1' }],
  ['prompt', 'prompts/get', { name: 'sum', arguments: {} }],
  [
    'completion of a prompt',
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'sum' }, argument: { name: 'id', value: '' } },
  ],
  [
    'completion of a template',
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'order://{id}' }, argument: { name: 'id', value: '' } },
  ],
]

describe.each(cells())('permissions, $name', (cell) => {
  describe.each([
    ['nobody', undefined],
    ['the wrong one', 'orders:write'],
  ])('with %s', (_who, granted) => {
    it('a tool is refused, with 403 over HTTP and to the model elsewhere', async () => {
      const client = await connectAs(cell, guarded(), granted)
      if (cell.transport === 'http') {
        const refusal = await refused(client.callTool('find'))
        expect([refusal.httpStatus, refusal.data]).toEqual([403, { required: ['orders:read'] }])
      } else {
        const result = await client.callTool('find')
        expect(result.isError).toBe(true)
        expect(result._meta?.['dev.holdfast/error']).toMatchObject({ code: 'insufficient_permissions' })
      }
      expect((await client.callTool('open')).isError).not.toBe(true)
    })

    it.each(requests)('a %s is refused (%s)', async (_kind, method, params) => {
      const client = await connectAs(cell, guarded(), granted)
      const refusal = await refused(client.request(method, { ...params }))
      expect([refusal.code, refusal.httpStatus]).toEqual([
        -32600,
        cell.transport === 'http' ? 403 : undefined,
      ])
      expect(refusal.message).toContain('orders:read')
    })

    it('no list names what is guarded, and lists are private', async () => {
      const client = await connectAs(cell, guarded(), granted)
      const [tools, resources, templates, prompts] = await listsOf(client)
      expect(names(tools?.['tools'], 'name')).toEqual(['open'])
      expect(names(resources?.['resources'], 'uri')).toEqual([])
      expect(names(templates?.['resourceTemplates'], 'name')).toEqual([])
      expect(names(prompts?.['prompts'], 'name')).toEqual([])
      if (cell.stateless) {
        expect([tools, resources, templates, prompts].map((list) => list?.['cacheScope'])).toEqual(
          Array.from({ length: 4 }, () => 'private'),
        )
      }
    })

    it('no resource can be subscribed to', async () => {
      const client = await connectAs(cell, guarded(), granted)
      expect(await subscribed(cell, client)).toBe(false)
    })
  })

  describe('with the right one', () => {
    it('all is answered, listed and can be subscribed to', async () => {
      const client = await connectAs(cell, guarded(), 'other orders:read')
      expect((await client.callTool('find')).content).toEqual([{ type: 'text', text: 'found' }])
      for (const [, method, params] of requests) await client.request(method, { ...params })
      const [tools, resources, templates, prompts] = await listsOf(client)
      expect(names(tools?.['tools'], 'name')).toEqual(['find', 'open'])
      expect(names(resources?.['resources'], 'uri')).toEqual(['app://fixed', 'order://1'])
      expect(names(templates?.['resourceTemplates'], 'name')).toEqual(['one'])
      expect(names(prompts?.['prompts'], 'name')).toEqual(['sum'])
      expect(await subscribed(cell, client)).toBe(true)
    })
  })

  it('what one caller was listed is not listed to the next', async () => {
    const server = guarded()
    for (const granted of ['orders:read', undefined, 'orders:write', 'orders:read', undefined]) {
      const client = await connectAs(cell, server, granted)
      const { tools } = await client.request('tools/list')
      expect(names(tools, 'name')).toEqual(granted === 'orders:read' ? ['find', 'open'] : ['open'])
    }
  })

  it('what is not visible does not exist, whatever was granted', async () => {
    const { server } = testServer({ auth: byGrant })
    const visible = ({ permissions }: Principal): boolean => permissions.has('beta')
    const description = 'Hidden.'
    server.tool('beta', { description, visible }, () => 'beta')
    server.tool('open', { description: 'Open to all.' }, () => 'open')
    server.resource('beta', { uri: 'app://beta', description, visible }, () => 'beta')
    server.prompt('beta', { description, visible }, () => 'beta')
    const other = await connectAs(cell, server, 'orders:read')
    const unknown = await refused(other.request('tools/call', { name: 'beta', arguments: {} }))
    expect([unknown.code, unknown.message]).toEqual([-32602, expect.stringContaining('Unknown tool "beta"')])
    expect((await refused(other.request('resources/read', { uri: 'app://beta' }))).message).toContain(
      'There is no resource',
    )
    expect((await refused(other.request('prompts/get', { name: 'beta' }))).message).toContain(
      'Unknown prompt',
    )
    expect(names((await other.request('tools/list'))['tools'], 'name')).toEqual(['open'])
    const tester = await connectAs(cell, server, 'beta')
    expect((await tester.callTool('beta')).content).toEqual([{ type: 'text', text: 'beta' }])
    expect(names((await tester.request('tools/list'))['tools'], 'name')).toEqual(['beta', 'open'])
  })

  it('a rule sees the caller and the checked input, and only true is a yes', async () => {
    const { server, logged } = testServer({ auth: byGrant })
    const input = {
      type: 'object',
      properties: { id: { type: 'string', description: 'Which.' } },
      required: ['id'],
    } as const
    const ran: string[] = []
    const add = (name: string, authorize: (principal: Principal, input: { id: string }) => unknown): void => {
      const rule = authorize as (principal: Principal, input: { id: string }) => boolean
      server.tool(name, { description: 'Ruled.', input, authorize: rule }, ({ id }) => {
        ran.push(`${name} ${id}`)
        return 'done'
      })
    }
    add('own', ({ permissions }, { id }) => permissions.has(`order:${id}`))
    add('later', async ({ permissions }, { id }) => permissions.has(`order:${id}`))
    add('loose', () => 1)
    add('looseLater', async () => ({ rows: 0 }))
    add('throws', () => {
      throw new Error('db down at 10.0.0.7')
    })
    const client = await connectAs(cell, server, 'order:7')
    const code = async (name: string, id: unknown): Promise<unknown> => {
      const result = await client.callTool(name, { id })
      return (result._meta?.['dev.holdfast/error'] as { code?: unknown } | undefined)?.code ?? 'done'
    }
    expect(await code('own', '7')).toBe('done')
    expect(await code('later', '7')).toBe('done')
    expect(await code('own', '8')).toBe('not_permitted')
    expect(await code('later', '8')).toBe('not_permitted')
    expect(await code('own', 7)).toBe('invalid_arguments')
    expect(await code('loose', '7')).toBe('not_permitted')
    expect(await code('looseLater', '7')).toBe('not_permitted')
    expect(await code('throws', '7')).toBe('internal')
    expect(ran).toEqual(['own 7', 'later 7'])
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it("a group's permissions are needed on top of a definition's own, and any of anyOf is enough", async () => {
    const { server } = testServer({ auth: byGrant })
    const admin = server
      .group({ permissions: ['admin'] })
      .group({ prefix: 'deep-', permissions: { anyOf: ['eu', 'us'] } })
    admin.tool('drop', { description: 'Drops.', permissions: ['orders:write'] }, () => 'dropped')
    const allowed = async (granted: string): Promise<boolean> => {
      const client = await connectAs(cell, server, granted)
      return names((await client.request('tools/list'))['tools'], 'name').length > 0
    }
    expect(await allowed('admin orders:write eu')).toBe(true)
    expect(await allowed('admin orders:write us')).toBe(true)
    for (const granted of [
      'orders:write eu',
      'admin eu',
      'admin orders:write',
      'eu us',
      'ADMIN orders:write eu',
    ]) {
      expect([granted, await allowed(granted)]).toEqual([granted, false])
    }
  })
})

describe('a hidden tool over HTTP', () => {
  it('shows itself by no header that only it would ask for', async () => {
    const { server } = testServer({ auth: byGrant })
    const input = {
      type: 'object',
      properties: { region: { type: 'string', description: 'Where.', 'x-mcp-header': 'Region' } },
      required: ['region'],
    } as const
    const visible = ({ permissions }: Principal): boolean => permissions.has('beta')
    server.tool('beta', { description: 'Hidden.', input, visible }, () => 'beta')
    const [cell] = cells({ transports: ['http'], revisions: ['2026-07-28'] })
    if (cell === undefined) throw new Error('There is no such cell.')
    const call = async (granted: string): Promise<unknown> => {
      const client = await open(cell, server, { headers: { 'x-granted': granted } })
      const params = { name: 'beta', arguments: { region: 'eu' } }
      const refusal = await refused(
        client.request('tools/call', params, { headers: { 'mcp-param-region': 'us' } }),
      )
      return [refusal.code, refusal.message]
    }
    expect(await call('other')).toEqual([-32602, expect.stringContaining('Unknown tool "beta"')])
    expect(await call('beta')).toEqual([-32020, expect.any(String)])
  })
})

describe('permissions and tasks', () => {
  it('a task is there only as long as its caller may call its tool', async () => {
    const { server } = testServer({ auth: byGrant })
    server.tool(
      'report',
      { description: 'Reports.', permissions: ['reports'], task: 'optional' },
      () => 'done',
    )
    const [cell] = cells({ transports: ['http'], revisions: ['2026-07-28'] })
    if (cell === undefined) throw new Error('There is no such cell.')
    const capabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } }
    const before = await open(cell, server, { capabilities, headers: { 'x-granted': 'reports' } })
    const { taskId } = await before.request('tools/call', { name: 'report', arguments: {} })
    expect(await before.request('tasks/get', { taskId })).toMatchObject({ taskId })
    const after = await open(cell, server, { capabilities, headers: { 'x-granted': 'other' } })
    for (const [method, more] of [
      ['tasks/get', {}],
      ['tasks/cancel', {}],
      ['tasks/update', { inputResponses: {} }],
    ] as const) {
      expect((await refused(after.request(method, { taskId, ...more }))).message).toContain(
        'There is no task',
      )
    }
  })
})

describe('a connection', () => {
  it('has the permissions of its credential until that is over', async () => {
    let now = 1000
    const clock = { now: () => now, monotonic: () => now, after: () => () => undefined }
    const server = createServer({ name: 'expiring', version: '1.0.0', clock })
    onTestFinished(() => server.close({ timeoutMs: 10 }))
    server.tool('find', { description: 'Finds.', permissions: ['orders:read'] }, () => 'found')
    const [cell] = cells({ transports: ['memory'], revisions: ['2025-11-25'] })
    if (cell === undefined) throw new Error('There is no such cell.')
    const client = await open(cell, server, { principal: { ...caller('orders:read'), expiresAt: 2000 } })
    expect((await client.callTool('find')).isError).not.toBe(true)
    now = 2000
    expect((await client.callTool('find')).isError).toBe(true)
    expect((await client.request('tools/list'))['tools']).toEqual([])
  })
})

function listsOf(client: TestClient): Promise<readonly Record<string, unknown>[]> {
  const methods = ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']
  return Promise.all(methods.map((method) => client.request(method)))
}

/** Whether the server agrees to tell of changes of the guarded resource. */
async function subscribed(cell: Cell, client: TestClient): Promise<boolean> {
  const uri = 'app://fixed'
  if (!cell.stateless) {
    return client.request('resources/subscribe', { uri }).then(
      () => true,
      () => false,
    )
  }
  const ended = new AbortController()
  const listening = client.request(
    'subscriptions/listen',
    { notifications: { resourceSubscriptions: [uri] } },
    { signal: ended.signal },
  )
  listening.catch(() => undefined)
  const acknowledged = (): unknown =>
    client.notifications.find(({ method }) => method === 'notifications/subscriptions/acknowledged')?.params[
      'notifications'
    ]
  await expect.poll(acknowledged).toBeDefined()
  ended.abort()
  const { resourceSubscriptions } = acknowledged() as { resourceSubscriptions?: readonly string[] }
  return resourceSubscriptions?.includes(uri) === true
}

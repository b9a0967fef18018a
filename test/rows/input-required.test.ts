import { cells, type Message } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused } from '../protocol/support.js'
import { able, accepted, askingRequests, askingServer, call, schema } from './asking-server.js'

const newest = '2026-07-28'
const asks = { resultType: 'input_required' }
const complete = { resultType: 'complete' }
const everyKind = ['elicitation/create', 'roots/list', 'sampling/createMessage']

describe.each(cells({ transports: ['stdio', 'http'], revisions: [newest] }))('$name', (cell) => {
  it('asks nothing in a list, a completion or a discovery, though a handler there wants to (MRT-01)', async () => {
    const { server } = askingServer()
    const question = { key: 'who', message: 'Who are you?', schema }
    let wished = 0
    server.resource(
      'row',
      {
        uriTemplate: 'app://rows/{id}',
        description: 'A row.',
        list: async (ctx) => {
          wished += 1
          return [{ uri: 'app://rows/1', name: (await ctx.elicit(question)).action }]
        },
        complete: {
          id: async (_value, ctx) => {
            wished += 1
            return [(await ctx.elicit(question)).action]
          },
        },
      },
      () => 'x',
    )
    const client = await open(cell, server, { capabilities: able })
    const ref = { type: 'ref/resource', uri: 'app://rows/{id}' }
    const answers = { inputResponses: { who: accepted('Ada') } }
    for (const method of ['server/discover', 'tools/list', 'prompts/list', 'resources/templates/list']) {
      for (const params of [{}, answers]) {
        expect([method, await client.request(method, params)]).toMatchObject([method, complete])
      }
    }
    for (const params of [{}, answers]) {
      const list = client.request('resources/list', params)
      const completion = client.request('completion/complete', {
        ref,
        argument: { name: 'id', value: '' },
        ...params,
      })
      for (const work of [list, completion]) {
        // Its author asked where nothing can be asked.
        expect((await refused(work)).code).toBe(-32603)
      }
    }
    expect(wished).toBe(4)
    expect(JSON.stringify(client.received)).not.toContain('input_required')
  })

  it('says what it asks and what to bring back, and not how long to keep it (MRT-02, CAC-05)', async () => {
    const client = await open(cell, askingServer().server, { capabilities: able })
    for (const [method, params] of askingRequests) {
      const result = await client.request(method, params)
      expect([method, result]).toEqual([
        method,
        {
          ...asks,
          inputRequests: { who: { method: 'elicitation/create', params: expect.any(Object) as object } },
          requestState: expect.stringMatching(/\S/) as string,
          _meta: expect.any(Object) as object,
        },
      ])
      const { requestState } = result
      const answered = { ...params, requestState, inputResponses: { who: accepted('Ada') } }
      const final = await client.request(method, answered)
      expect(final).toMatchObject(complete)
      expect(JSON.stringify(final)).toContain('Ada')
      // What asks for nothing more may be kept, where the method has that at all.
      expect('ttlMs' in final && 'cacheScope' in final).toBe(method === 'resources/read')
    }
  })

  it('asks by the three requests there are, each whole (MRT-03)', async () => {
    const client = await open(cell, askingServer().server, { capabilities: able })
    const { inputRequests } = await call(client, 'all')
    expect(Object.values(inputRequests).map(({ method }) => method)).toEqual(
      expect.arrayContaining(everyKind),
    )
    expect(inputRequests).toEqual({
      who: {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'Who are you?', requestedSchema: schema },
      },
      model: {
        method: 'sampling/createMessage',
        params: { messages: expect.any(Array) as unknown, maxTokens: 10 },
      },
      roots: { method: 'roots/list', params: {} },
    })
    for (const { method } of Object.values(inputRequests)) expect(everyKind).toContain(method)
  })

  it.each<[capabilities: object, kinds: readonly string[]]>([
    [{}, []],
    [{ elicitation: {} }, ['elicitation/create']],
    [{ sampling: {} }, ['sampling/createMessage']],
    [{ roots: {} }, ['roots/list']],
    [{ elicitation: { url: {} } }, []],
    [{ elicitation: {}, roots: {} }, ['elicitation/create', 'roots/list']],
  ])('asks a client that declared %j for no more than %j (MRT-04)', async (capabilities, kinds) => {
    const { server } = askingServer()
    const client = await open(cell, server, { capabilities })
    const degraded = await call(client, 'degrades')
    const methods = Object.values(degraded.inputRequests ?? {}).map(({ method }) => method)
    expect(methods.sort()).toEqual([...kinds].sort())
    if (kinds.length === 0) expect(degraded).toMatchObject({ ...complete, content: [{ text: 'asked 0' }] })
    const asked = new Set<string>()
    const answer =
      (method: string, given: object): (() => object) =>
      () => {
        asked.add(method)
        return given
      }
    const answers = {
      'elicitation/create': answer('elicitation/create', accepted('Ada')),
      'sampling/createMessage': answer('sampling/createMessage', {
        role: 'assistant',
        model: 'm',
        content: { type: 'text', text: 'Hello.' },
      }),
      'roots/list': answer('roots/list', { roots: [] }),
    }
    const answering = await open(cell, server, { capabilities, answers })
    // It may ask what the client can answer first, and is told what else it lacks then.
    const needs = await refused(call(answering, 'all'))
    expect(needs.code).toBe(-32021)
    for (const method of asked) expect(kinds).toContain(method)
    const { requiredCapabilities } = needs.data as { requiredCapabilities: object }
    for (const capability of Object.keys(requiredCapabilities)) {
      expect(['elicitation', 'sampling', 'roots']).toContain(capability)
    }
    expect(Object.keys(requiredCapabilities)).not.toEqual([])
    if (cell.transport === 'http') expect(needs.httpStatus).toBe(400)
  })

  it('asks again when a client comes back without answers (MRT-08)', async () => {
    const { server, seen } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    const first = await call(client, 'name')
    let { requestState } = first
    for (const more of [{}, { inputResponses: {} }, { requestState }, { requestState, inputResponses: {} }]) {
      const again = await call(client, 'name', more)
      expect([more, again]).toMatchObject([more, { ...asks, inputRequests: first.inputRequests }])
      requestState = again.requestState
    }
    expect(seen.names).toEqual([])
    const inputResponses = { who: accepted('Ada') }
    expect(await call(client, 'name', { requestState, inputResponses })).toMatchObject(complete)
    expect(seen.names).toEqual(['Ada'])
  })

  it('takes what nobody asked for for nothing, also when it is asked later (MRT-09)', async () => {
    const { server, seen } = askingServer()
    const client = await open(cell, server, { capabilities: able })
    const { requestState } = await call(client, 'name')
    const extra = { nobody: accepted('Eve'), model: { role: 'assistant' }, constructor: 7 }
    const inputResponses = { ...extra, who: accepted('Ada') }
    const more = { requestState, inputResponses, 'com.example/x': [1], task: { ttl: 1 } }
    expect(await call(client, 'name', more)).toMatchObject(complete)
    expect(seen.names).toEqual(['Ada'])

    const first = await call(client, 'steps')
    const early = { ...extra, who: accepted('Ada'), then: accepted('Eve') }
    const second = await call(client, 'steps', {
      requestState: first.requestState,
      inputResponses: early,
    })
    expect(second).toMatchObject({ ...asks, inputRequests: { then: { method: 'elicitation/create' } } })
    expect(Object.keys(second.inputRequests)).toEqual(['then'])
    const last = { requestState: second.requestState, inputResponses: { then: accepted('Bob') } }
    expect(await call(client, 'steps', last)).toMatchObject({ content: [{ text: 'accept Bob' }] })
  })
})

describe.each(cells({ transports: ['stdio'], revisions: [newest] }))('$name', (cell) => {
  it('sends no request of its own, whatever it asks, tells or does meanwhile (STD-08)', async () => {
    const { server } = askingServer()
    const later = { support: 'required', begins: 'call' } as const
    server.tool('later', { description: 'Asks as a task.', task: later }, async (_args, ctx) => {
      return (await ctx.elicit({ message: 'Go on?', schema })).action
    })
    const extensions = { 'io.modelcontextprotocol/tasks': {} }
    const client = await open(cell, server, { capabilities: { ...able, extensions } })
    for (const name of ['name', 'all', 'degrades', 'steps', 'order', 'once']) {
      expect(await call(client, name)).toMatchObject(asks)
    }
    for (const [method, params] of askingRequests)
      expect(await client.request(method, params)).toMatchObject(asks)
    const { taskId } = (await call(client, 'later')) as Message
    const state = async (): Promise<unknown> => (await client.request('tasks/get', { taskId }))['status']
    await expect.poll(state).toBe('input_required')
    server.resourcesChanged()
    await client.request('server/discover')
    const requests = (client.received as Message[]).filter(
      (message) => 'method' in message && 'id' in message,
    )
    expect(requests).toEqual([])
    expect(server.stats().counters.questions).toBeGreaterThanOrEqual(10)
  })
})

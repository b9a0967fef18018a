import { type Middleware, ToolError } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from './support.js'

describe.each(cells())('$name', (cell) => {
  const input = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } as const

  it('runs edge, authorized and validated around the handler, each stage in the order of use', async () => {
    const { server } = testServer()
    const seen: string[] = []
    const note =
      (name: string): Middleware =>
      async (call, next) => {
        seen.push(`${name} in ${JSON.stringify(call.input)}`)
        const result = await next()
        seen.push(`${name} out`)
        return result
      }
    server.use(note('v1'))
    server.use(note('a1'), { at: 'authorized' })
    server.use(note('e1'), { at: 'edge' })
    server.use(note('v2'), { at: 'validated' })
    server.tool('add', { description: 'Adds one.', input }, ({ n }) => {
      seen.push('handler')
      return String(n + 1)
    })
    const client = await open(cell, server)
    expect(textOf(await client.callTool('add', { n: '1' }))).toBe('2')
    // Before validation the input is as it came; after it, it is what the schema made of it.
    expect(seen).toEqual([
      'e1 in {"n":"1"}',
      'a1 in {"n":"1"}',
      'v1 in {"n":1}',
      'v2 in {"n":1}',
      'handler',
      'v2 out',
      'v1 out',
      'a1 out',
      'e1 out',
    ])
  })

  it('takes from a middleware what a handler could return, and checks it against the output', async () => {
    const { server, logged } = testServer()
    server.use((call, next) => (call.name === 'text' ? 'from the middleware' : next()), { at: 'edge' })
    server.use((call, next) => (call.name === 'sum' ? { sum: 'no number' } : next()))
    server.tool('text', { description: 'Says a text.' }, () => 'from the handler')
    const output = { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] } as const
    server.tool('sum', { description: 'Adds.', output }, () => ({ sum: 1 }))
    const client = await open(cell, server)
    expect(textOf(await client.callTool('text'))).toBe('from the middleware')
    const masked = await client.callTool('sum')
    expect(masked.isError).toBe(true)
    expect(textOf(masked)).not.toContain('no number')
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it('wrong arguments reach edge and authorized, and neither validated nor the handler', async () => {
    const { server } = testServer()
    const seen: string[] = []
    for (const at of ['edge', 'authorized', 'validated'] as const) {
      server.use(
        (_call, next) => {
          seen.push(at)
          return next()
        },
        { at },
      )
    }
    server.tool('add', { description: 'Adds one.', input }, () => {
      seen.push('handler')
      return ''
    })
    const client = await open(cell, server)
    expect((await client.callTool('add', { n: 'x' })).isError).toBe(true)
    expect(seen).toEqual(['edge', 'authorized'])
  })

  it('may answer without the handler, change input and result, or refuse', async () => {
    const { server } = testServer()
    server.use((call, next) => {
      if (call.name === 'cached')
        return {
          content: [{ type: 'text', text: 'kept' }],
          structured: undefined,
          isError: false,
          meta: undefined,
        }
      if (call.name === 'closed') throw new ToolError('closed', { message: 'Closed for today.' })
      call.input = { n: 41 }
      return next()
    })
    let runs = 0
    for (const name of ['cached', 'closed', 'changed']) {
      server.tool(name, { description: name, input }, ({ n }) => {
        runs += 1
        return String(n + 1)
      })
    }
    const client = await open(cell, server)
    expect(textOf(await client.callTool('cached', { n: 1 }))).toBe('kept')
    const closed = await client.callTool('closed', { n: 1 })
    expect([closed.isError, textOf(closed)]).toEqual([true, 'Closed for today.'])
    expect(textOf(await client.callTool('changed', { n: 1 }))).toBe('42')
    expect(runs).toBe(1)
  })

  it('a second next() is refused by name, and the handler runs once', async () => {
    const { server, logged } = testServer()
    server.use(async function twice(_call, next) {
      await next()
      return next()
    })
    let runs = 0
    server.tool('one', { description: 'One.' }, () => {
      runs += 1
      return '1'
    })
    const client = await open(cell, server)
    expect((await client.callTool('one')).isError).toBe(true)
    expect(runs).toBe(1)
    expect(String(logged.at(-1)?.fields['error'])).toContain('"twice" called next() twice')
  })

  it('stands around resources, prompts and completions too', async () => {
    const { server } = testServer()
    const kinds: string[] = []
    server.use((call, next) => {
      kinds.push(`${call.kind} ${call.name}`)
      return next()
    })
    server.resource(
      'r',
      { uriTemplate: 'app://{r}', description: 'R.', complete: { r: () => ['x'] } },
      () => 'x',
    )
    server.prompt('p', { description: 'P.' }, () => 'x')
    const client = await open(cell, server)
    await client.readResource('app://x')
    await client.getPrompt('p')
    await client.complete({ type: 'ref/resource', uri: 'app://{r}' }, { name: 'r', value: '' })
    expect(kinds).toEqual(['resource r', 'prompt p', 'completion r'])
  })

  it('cannot be added once the server serves', async () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    await client.callTool('one')
    expect(() =>
      server.use(function late(_call, next) {
        return next()
      }),
    ).toThrow('"late"')
    expect(() => testServer().server.use('no function' as never)).toThrow('string')
  })

  it('masks what a middleware throws by mistake', async () => {
    const { server } = testServer()
    server.use(
      () => {
        throw new Error('hunter2')
      },
      { at: 'edge' },
    )
    server.tool('one', { description: 'One.' }, () => '1')
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => '1')
    const client = await open(cell, server)
    expect((await client.callTool('one')).isError).toBe(true)
    expect((await refused(client.readResource('app://one'))).code).toBe(-32603)
    expect(JSON.stringify(client.received)).not.toContain('hunter2')
  })
})

import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { open, refused, testServer, textOf } from './support.js'

describe.each(cells())('$name', (cell) => {
  it('a tool that is disabled, enabled or removed shows so in lists and calls at once', async () => {
    const { server } = testServer()
    const one = server.tool('one', { description: 'One.' }, () => '1')
    server.tool('two', { description: 'Two.' }, () => '2')
    const client = await open(cell, server)
    const names = async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name)
    expect(await names()).toEqual(['one', 'two'])

    one.disable()
    expect(one.enabled).toBe(false)
    expect(await names()).toEqual(['two'])
    expect((await refused(client.callTool('one'))).code).toBe(-32602)

    one.enable()
    expect(await names()).toEqual(['one', 'two'])
    expect(textOf(await client.callTool('one'))).toBe('1')

    one.remove()
    one.enable()
    expect(await names()).toEqual(['two'])
    server.tool('one', { description: 'Another one.' }, () => 'I')
    expect(await names()).toEqual(['two', 'one'])
    expect(textOf(await client.callTool('one'))).toBe('I')
    one.remove()
    one.disable()
    expect(await names()).toEqual(['two', 'one'])
  })

  it('a tool that is added while others are served is there for clients already connected', async () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    expect(textOf(await client.callTool('one'))).toBe('1')
    const input = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } as const
    server.tool('late', { description: 'Late.', input }, ({ n }) => String(n + 1))
    expect((await client.listTools()).tools).toHaveLength(2)
    expect(textOf(await client.callTool('late', { n: 1 }))).toBe('2')
    expect((await client.callTool('late')).isError).toBe(true)
  })

  it('resources, templates and prompts change in the same way', async () => {
    const { server } = testServer()
    const fixed = server.resource('fixed', { uri: 'app://x', description: 'X.' }, () => 'fixed')
    const template = server.resource(
      'any',
      { uriTemplate: 'app://{any}', description: 'Any.' },
      () => 'template',
    )
    const prompt = server.prompt('say', { description: 'Says.' }, () => 'said')
    server.prompt('stay', { description: 'Stays.' }, () => 'said')
    const client = await open(cell, server)
    const read = async (): Promise<unknown> => (await client.readResource('app://x')).contents[0]?.['text']
    expect(await read()).toBe('fixed')
    fixed.disable()
    expect(await read()).toBe('template')
    expect((await client.request('resources/list'))['resources']).toEqual([])
    template.remove()
    expect((await refused(client.readResource('app://x'))).data).toEqual({ uri: 'app://x' })
    fixed.enable()
    expect(await read()).toBe('fixed')
    expect((await client.request('resources/templates/list'))['resourceTemplates']).toEqual([])
    prompt.disable()
    expect(
      (await client.request<{ prompts: { name: string }[] }>('prompts/list')).prompts.map(({ name }) => name),
    ).toEqual(['stay'])
    expect((await refused(client.getPrompt('say'))).code).toBe(-32602)
  })

  it('a list stays offered, and empty, while all of its kind are disabled', async () => {
    const { server } = testServer()
    const one = server.tool('one', { description: 'One.' }, () => '1')
    const client = await open(cell, server)
    one.disable()
    expect((await client.listTools()).tools).toEqual([])
  })

  it('names and URIs stay unique', () => {
    const { server } = testServer()
    server.tool('one', { description: 'One.' }, () => '1')
    server.resource('one', { uri: 'app://one', description: 'One.' }, () => '1')
    server.prompt('one', { description: 'One.' }, () => '1')
    expect(() => server.tool('one', { description: 'One.' }, () => '1')).toThrow('"one"')
    expect(() => server.resource('one', { uri: 'app://other', description: 'One.' }, () => '1')).toThrow(
      '"one"',
    )
    expect(() => server.resource('two', { uri: 'app://one', description: 'Two.' }, () => '1')).toThrow(
      'app://one',
    )
    expect(() => server.prompt('one', { description: 'One.' }, () => '1')).toThrow('"one"')
  })
})

it('a disabled resource keeps its URI, so that enabling it cannot make two of one', () => {
  const { server } = testServer()
  const one = server.resource('one', { uri: 'app://one', description: 'One.' }, () => '1')
  one.disable()
  expect(() => server.resource('two', { uri: 'app://one', description: 'Two.' }, () => '2')).toThrow(
    'app://one',
  )
  one.remove()
  server.resource('three', { uri: 'app://one', description: 'Three.' }, () => '3')
})

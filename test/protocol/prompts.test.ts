import { assistant, audio, link, text, user } from 'holdfast'
import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, refused, testServer } from './support.js'

describe.each(cells())('$name', (cell) => {
  const { revision } = cell

  it('lists prompts and their arguments with the fields that the revision has (PRM-01)', async () => {
    const { server } = testServer()
    server.prompt(
      'summarise',
      {
        title: 'Summarise',
        description: 'Summarises a dataset.',
        icons: [{ src: 'https://example.com/i.png' }],
        meta: { 'com.example/x': 1 },
        input: z.object({
          dataset: z.string().meta({ title: 'Dataset', description: 'Which one.' }),
          tone: z.string().optional(),
        }),
      },
      () => 'x',
    )
    server.prompt('plain', { description: 'Takes nothing.' }, () => 'x')
    const client = await open(cell, server)
    const newer = revision >= '2025-06-18'
    expect((await client.request('prompts/list'))['prompts']).toEqual([
      {
        name: 'summarise',
        description: 'Summarises a dataset.',
        arguments: [
          { name: 'dataset', description: 'Which one.', required: true, ...(newer && { title: 'Dataset' }) },
          { name: 'tone' },
        ],
        ...(newer && { title: 'Summarise', _meta: { 'com.example/x': 1 } }),
        ...(revision >= '2025-11-25' && { icons: [{ src: 'https://example.com/i.png' }] }),
      },
      { name: 'plain', description: 'Takes nothing.' },
    ])
  })

  it('gets text, one message or a conversation, in content that the revision has (PRM-04, PRM-05)', async () => {
    const { server } = testServer()
    const input = z.object({ who: z.string(), tone: z.string().optional() })
    server.prompt('text', { description: 'Text.', input }, ({ who, tone = 'kind' }) => `${who}, ${tone}`)
    server.prompt('one', { description: 'One.' }, () => assistant('hello'))
    server.prompt('talk', { description: 'A talk.' }, () => [
      user('hi'),
      assistant(audio('AAAA', 'audio/wav')),
      user(link({ uri: 'app://x', name: 'x' })),
    ])
    server.prompt('block', { description: 'A block.' }, () => text('block') as never)
    const client = await open(cell, server)
    const messages = async (name: string, args: Record<string, string> = {}): Promise<unknown> =>
      (await client.getPrompt(name, args)).messages
    const says = (role: string, said: string): object => ({ role, content: { type: 'text', text: said } })
    expect(await messages('text', { who: 'Ada' })).toEqual([says('user', 'Ada, kind')])
    expect(await messages('text', { who: 'Ada', tone: 'dry' })).toEqual([says('user', 'Ada, dry')])
    expect(await messages('one')).toEqual([says('assistant', 'hello')])
    expect(await messages('block')).toEqual([says('user', 'block')])
    const kinds = ((await messages('talk')) as { content: { type: string } }[]).map(
      ({ content }) => content.type,
    )
    expect(kinds).toEqual([
      'text',
      revision === '2024-11-05' ? 'resource' : 'audio',
      revision < '2025-06-18' ? 'text' : 'resource_link',
    ])
    expect((await client.getPrompt('one')).description).toBe('One.')
  })

  it('refuses unknown prompts and wrong arguments with -32602 that name them (PRM-02, PRM-03)', async () => {
    const { server } = testServer()
    server.prompt('hello', { description: 'Greets.', input: z.object({ who: z.string() }) }, ({ who }) => who)
    const client = await open(cell, server)
    const unknown = await refused(client.getPrompt('nobody'))
    expect([unknown.code, unknown.message]).toEqual([-32602, expect.stringContaining('"nobody"')])
    const missing = await refused(client.getPrompt('hello'))
    expect([missing.code, missing.message]).toEqual([-32602, expect.stringContaining('"who" is required')])
    for (const params of [
      {},
      { name: 7 },
      { name: 'hello', arguments: [] },
      { name: 'hello', arguments: { who: 7 } },
    ]) {
      expect((await refused(client.request('prompts/get', params))).code).toBe(-32602)
    }
  })

  it('masks what is no message', async () => {
    const { server, logged } = testServer()
    server.prompt('odd', { description: 'Odd.' }, () => [{ role: 'user', content: 'unbranded' }] as never)
    const client = await open(cell, server)
    expect((await refused(client.getPrompt('odd'))).code).toBe(-32603)
    expect(String(logged.at(-1)?.fields['error'])).toContain('user(...)')
  })
})

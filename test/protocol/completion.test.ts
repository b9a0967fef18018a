import { cells } from 'holdfast/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, refused, testServer } from './support.js'

describe.each(cells())('$name', (cell) => {
  function completing() {
    const { server, logged } = testServer()
    const input = z.object({ city: z.string(), street: z.string().optional(), plain: z.string().optional() })
    server.prompt(
      'visit',
      {
        description: 'Plans a visit.',
        input,
        complete: {
          city: (value) => ['Berlin', 'Bern', 'Basel'].filter((name) => name.startsWith(value)),
          street: async (value, ctx) => [`${value} in ${ctx.arguments['city'] ?? 'nowhere'}`],
        },
      },
      () => 'x',
    )
    server.resource(
      'rows',
      {
        uriTemplate: 'app://rows/{id}',
        description: 'Rows.',
        complete: { id: () => Array.from({ length: 250 }, (_, n) => `row ${n}`) },
      },
      () => 'x',
    )
    server.resource(
      'broken',
      {
        uriTemplate: 'app://broken/{id}',
        description: 'Broken.',
        complete: {
          id: () => {
            throw new Error('index at /var/lib/secret is gone')
          },
        },
      },
      () => 'x',
    )
    return { server, logged }
  }
  const prompt = { type: 'ref/prompt', name: 'visit' }
  const rows = { type: 'ref/resource', uri: 'app://rows/{id}' }

  it('suggests for prompt arguments and template variables, at most a hundred (CMP-01, CMP-02)', async () => {
    const client = await open(cell, completing().server)
    const city = (value: string): Promise<unknown> => client.complete(prompt, { name: 'city', value })
    expect(await city('Ber')).toEqual({ values: ['Berlin', 'Bern'], total: 2, hasMore: false })
    expect(await city('x')).toEqual({ values: [], total: 0, hasMore: false })
    const many = await client.complete(rows, { name: 'id', value: '' })
    expect(many).toMatchObject({ total: 250, hasMore: true })
    expect(many.values).toHaveLength(100)
    // An argument that nothing completes is no mistake of the client's.
    expect((await client.complete(prompt, { name: 'plain', value: '' })).values).toEqual([])
  })

  it('sees the arguments that were chosen before', async () => {
    const client = await open(cell, completing().server)
    const argument = { name: 'street', value: 'Main' }
    expect((await client.complete(prompt, argument, { city: 'Bern' })).values).toEqual(['Main in Bern'])
    expect((await client.complete(prompt, argument)).values).toEqual(['Main in nowhere'])
  })

  it('refuses unknown references and arguments with -32602 (CMP-03)', async () => {
    const client = await open(cell, completing().server)
    const argument = { name: 'city', value: '' }
    const wrong: [ref: unknown, argument: unknown][] = [
      [{ type: 'ref/prompt', name: 'nobody' }, argument],
      [{ type: 'ref/resource', uri: 'app://nobody/{x}' }, argument],
      [{ type: 'ref/tool', name: 'visit' }, argument],
      [{}, argument],
      [undefined, argument],
      [prompt, { name: 'country', value: '' }],
      [rows, { name: 'constructor', value: '' }],
      [prompt, { name: 'city' }],
      [prompt, { name: 'city', value: 7 }],
      [prompt, undefined],
    ]
    for (const [ref, given] of wrong) {
      expect((await refused(client.request('completion/complete', { ref, argument: given }))).code).toBe(
        -32602,
      )
    }
  })

  it('masks what a completer throws', async () => {
    const { server, logged } = completing()
    const client = await open(cell, server)
    const refusal = await refused(
      client.complete({ type: 'ref/resource', uri: 'app://broken/{id}' }, { name: 'id', value: '' }),
    )
    expect(refusal.code).toBe(-32603)
    expect(refusal.message).not.toContain('/var')
    expect(String(logged.at(-1)?.fields['error'])).toContain('/var/lib/secret')
  })
})

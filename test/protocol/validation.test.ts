import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import { jsonSchema } from 'holdfast'
import { cells } from 'holdfast/testing'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { open, testServer, textOf } from './support.js'

const errorKey = 'dev.holdfast/error'

/** The same tool in each kind of schema. */
const libraries = {
  zod: z.object({ orderId: z.string(), limit: z.number().int().min(1).max(100).optional() }),
  arktype: type({ orderId: 'string', 'limit?': '1 <= number.integer <= 100' }),
  valibot: toStandardJsonSchema(
    v.object({
      orderId: v.string(),
      limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100))),
    }),
  ),
  'plain JSON Schema': {
    type: 'object',
    properties: { orderId: { type: 'string' }, limit: { type: 'integer', minimum: 1, maximum: 100 } },
    required: ['orderId'],
    additionalProperties: false,
  },
} as const

describe.each(cells())('$name', (cell) => {
  it.each(Object.entries(libraries))(
    'checks arguments before the handler, with %s (TOOL-10, TOOL-11)',
    async (_name, input) => {
      const { server } = testServer()
      let runs = 0
      server.tool(
        'find',
        { description: 'Finds.', input: input as typeof libraries.zod },
        ({ orderId, limit = 10 }) => {
          runs += 1
          return `${orderId} ${limit}`
        },
      )
      const client = await open(cell, server)
      expect(textOf(await client.callTool('find', { orderId: 'a', limit: 5 }))).toBe('a 5')
      const wrong = { limit: 1000 }
      const answered = await client.callTool('find', wrong)
      expect(answered.isError).toBe(true)
      expect(textOf(answered)).toMatch(/"orderId" is required/)
      expect(textOf(answered)).toMatch(/"limit" must be .*100.*received the number 1000/)
      expect(answered._meta?.[errorKey]).toMatchObject({
        code: 'invalid_arguments',
        data: {
          problems: expect.arrayContaining([expect.objectContaining({ field: 'orderId' })]) as unknown[],
        },
      })
      expect(runs).toBe(1)
    },
  )

  it('names the parameter, what was expected and what came, ten problems at once', async () => {
    const { server } = testServer()
    const names = Array.from({ length: 14 }, (_, n) => `p${n}`)
    const properties = Object.fromEntries(names.map((name) => [name, { type: 'integer' } as const]))
    server.tool(
      'many',
      { description: 'Many.', input: jsonSchema({ type: 'object', properties }) },
      () => 'x',
    )
    const client = await open(cell, server)
    const said = textOf(await client.callTool('many', Object.fromEntries(names.map((name) => [name, 'ten']))))
    expect(said).toContain('14 problems')
    expect(said).toContain('"p0" must be an integer, received the string "ten".')
    expect(said.split('\n').filter((line) => line.includes('must be an integer'))).toHaveLength(10)
    expect(said).toContain('and 4 more')
  })

  it('tells cross-field problems with all their fields', async () => {
    const { server } = testServer()
    const input = z
      .object({ from: z.number(), to: z.number() })
      .refine(({ from, to }) => from <= to, { message: '"from" must not be after "to"', path: ['from'] })
    server.tool('range', { description: 'A range.', input }, () => 'x')
    server.tool(
      'either',
      {
        description: 'One of two.',
        input: jsonSchema({
          type: 'object',
          properties: { id: { type: 'string' }, name: { type: 'string' } },
          not: { required: ['id', 'name'] },
        }),
      },
      () => 'x',
    )
    const client = await open(cell, server)
    const range = textOf(await client.callTool('range', { from: 2, to: 1 }))
    expect(range).toContain('"from"')
    expect(range).toContain('"to"')
    const both = textOf(await client.callTool('either', { id: 'a', name: 'b' }))
    expect(both).toContain('"id" and "name" cannot be given together')
  })

  it('cleans and cuts what it shows, and never shows secrets (TOOL-17, SEC-15)', async () => {
    const { server } = testServer()
    const input = jsonSchema({
      type: 'object',
      properties: {
        count: { type: 'integer' },
        hidden: { type: 'integer', writeOnly: true },
        apiKey: { type: 'integer' },
        login: { type: 'object', properties: { password: { type: 'integer' } } },
      },
    })
    server.tool('take', { description: 'Takes.', input }, () => 'x')
    const client = await open(cell, server)
    const say = async (args: Record<string, unknown>): Promise<string> =>
      textOf(await client.callTool('take', args))
    const long = await say({ count: `start${'y'.repeat(500)}` })
    expect(long).toContain('start')
    expect(long.length).toBeLessThan(250)
    const dirty = await say({ count: 'a\u001b[31mred\u202e\u200bb\nc' })
    expect(dirty).not.toMatch(/[\u001b\u202e\u200b]/)
    for (const args of [
      { hidden: 'opensesame' },
      { apiKey: 'opensesame' },
      { login: { password: 'opensesame' } },
      { count: 'sk-opensesame1234567890' },
      { count: 'postgres://u:opensesame@db/x' },
      { count: 'Bearer opensesame.opensesame' },
    ]) {
      expect(await say(args)).not.toContain('opensesame')
    }
    expect(JSON.stringify(client.received)).not.toContain('opensesame')
  })

  it('reads arguments that came as JSON text once, counts it, and leaves texts alone', async () => {
    const { server } = testServer()
    const input = jsonSchema<{ limit?: number; tags?: string[]; text?: string; filter?: object }>({
      type: 'object',
      properties: {
        limit: { type: 'integer' },
        tags: { type: 'array', items: { type: 'string' } },
        text: { type: 'string' },
        filter: { type: 'object', properties: { deep: { type: 'boolean' } }, additionalProperties: false },
      },
    })
    server.tool('take', { description: 'Takes.', input }, (args) => ({ args }))
    const client = await open(cell, server)
    const taken = async (args: unknown): Promise<unknown> => {
      const answered = await client.request<{ isError?: boolean; content: { text: string }[] }>(
        'tools/call',
        {
          name: 'take',
          arguments: args,
        },
      )
      return answered.isError === true ? 'refused' : (JSON.parse(textOf(answered)) as { args: unknown }).args
    }
    expect(await taken({ limit: '10' })).toEqual({ limit: 10 })
    expect(await taken({ tags: '["a","b"]', filter: '{"deep":true}' })).toEqual({
      tags: ['a', 'b'],
      filter: { deep: true },
    })
    expect(await taken('{"limit":3}')).toEqual({ limit: 3 })
    expect(server.stats().counters.repairedCalls).toBe(3)
    expect(await taken({ text: '10' })).toEqual({ text: '10' })
    for (const wrong of [
      { limit: 'ten' },
      { limit: '0x10' },
      { limit: '"10"' },
      { limit: '9007199254740993' },
      { limit: '1.5' },
      { tags: '"a"' },
      { filter: '{"deep":"true"}' },
      { filter: '{"__proto__":{"deep":true}}' },
      { filter: `{"deep":${'['.repeat(40)}${']'.repeat(40)}}` },
      { filter: '{"other":1}' },
    ]) {
      expect([wrong, await taken(wrong)]).toEqual([wrong, 'refused'])
    }
    expect(server.stats().counters.repairedCalls).toBe(3)
  })

  it('repairs nothing for destructive tools, unless they ask, nor where it is switched off', async () => {
    const { server } = testServer()
    const input = jsonSchema({ type: 'object', properties: { n: { type: 'integer' } } })
    server.tool(
      'wipe',
      { description: 'Wipes.', annotations: { destructiveHint: true }, input },
      () => 'done',
    )
    server.tool(
      'asks',
      { description: 'Asks.', annotations: { destructiveHint: true }, repair: true, input },
      () => 'done',
    )
    server.tool('exact', { description: 'Exact.', repair: false, input }, () => 'done')
    const client = await open(cell, server)
    expect((await client.callTool('wipe', { n: '1' })).isError).toBe(true)
    expect((await client.callTool('exact', { n: '1' })).isError).toBe(true)
    expect(textOf(await client.callTool('asks', { n: '1' }))).toBe('done')
  })

  it('gives the handler what the schema makes of the arguments: defaults and transforms', async () => {
    const { server } = testServer()
    const input = z.object({
      name: z.string().trim().default('nobody'),
      day: z.string().transform((text) => text.length),
    })
    server.tool('take', { description: 'Takes.', input }, (args) => ({ args }))
    const client = await open(cell, server)
    expect(JSON.parse(textOf(await client.callTool('take', { day: 'monday' })))).toEqual({
      args: { name: 'nobody', day: 6 },
    })
  })

  it('warns once in development about a text that begins like an error', async () => {
    const { server, logged } = testServer({ development: true })
    server.tool('sad', { description: 'Is sad.' }, () => 'Error: the disk is full')
    const client = await open(cell, server)
    await client.callTool('sad')
    expect((await client.callTool('sad')).isError).toBeUndefined()
    const warnings = logged.filter(({ level, message }) => level === 'warn' && message.includes('"sad"'))
    expect(warnings).toHaveLength(1)
  })
})

describe('definitions', () => {
  it('are refused at start-up with the sentence that mends them', () => {
    const { server } = testServer()
    const define = (name: string, options: object) => () =>
      server.tool(name, { description: 'x', ...options }, () => 'x')
    expect(define('two words', {})).toThrow('"two words"')
    expect(define('x'.repeat(129), {})).toThrow('128')
    expect(define('silent', { description: ' ' })).toThrow('description')
    expect(define('both', { annotations: { readOnlyHint: true, destructiveHint: true } })).toThrow(
      'readOnlyHint',
    )
    expect(define('list', { input: { type: 'array' } })).toThrow('"list"')
    expect(define('plain-valibot', { input: v.object({ a: v.string() }) })).toThrow('@valibot/to-json-schema')
    expect(define('late', { timeout: '2 weeks' })).toThrow('timeout')
    expect(() =>
      server.prompt(
        'p',
        { description: 'P.', input: { type: 'object', properties: { n: { type: 'integer' } } } },
        () => 'x',
      ),
    ).toThrow('"n"')
    expect(() => server.resource('r', { uri: 'no uri', description: 'R.' }, () => 'x')).toThrow('"no uri"')
    expect(() => server.resource('r', { uriTemplate: 'app://{a', description: 'R.' }, () => 'x')).toThrow(
      '{name}',
    )
    expect(() => server.resource('r', { uriTemplate: 'app://fixed', description: 'R.' }, () => 'x')).toThrow(
      'no variable',
    )
  })
})

import { toStandardJsonSchema } from '@valibot/to-json-schema'
import { type } from 'arktype'
import { createServer, jsonSchema, result, text, toolsFor, user } from 'holdfast'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { findOrder } from './fixtures/find-order.js'
import { emptyPool, type Order, type Pool } from './fixtures/orders.js'

const services = { db: emptyPool }
const withDb = () => createServer({ name: 'types', version: '1.0.0', services })
const bare = () => createServer({ name: 'types', version: '1.0.0' })
const description = 'Find one order.'

/** One definition through both doors; what compiles in one must compile in the other. */
const doors = () => [withDb().tool, toolsFor<{ readonly db: Pool }>()] as const

describe('input', () => {
  it('flows from zod, after defaults and transforms', () => {
    const input = z.object({
      id: z.string().describe('Number.'),
      limit: z.number().default(10).describe('At most.'),
      count: z.string().transform(Number).describe('Digits.'),
    })
    withDb().tool('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; limit: number; count: number }>()
    })
    toolsFor<unknown>()('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; limit: number; count: number }>()
    })
  })

  it('flows from arktype', () => {
    const input = type({ id: 'string', 'limit?': 'number' })
    withDb().tool('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; limit?: number }>()
    })
    toolsFor<unknown>()('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; limit?: number }>()
    })
  })

  it('flows from wrapped valibot', () => {
    const input = toStandardJsonSchema(v.object({ id: v.string(), limit: v.optional(v.number(), 10) }))
    withDb().tool('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; limit: number }>()
    })
    toolsFor<unknown>()('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ id: string; limit: number }>()
    })
  })

  it('flows from a JSON Schema that is written in place, without "as const"', () => {
    withDb().tool(
      'a',
      {
        description,
        input: {
          type: 'object',
          properties: {
            id: { type: 'string', description: 'Number.' },
            sort: { enum: ['asc', 'desc'], description: 'Order.' },
            tags: { type: 'array', items: { type: 'string' }, description: 'Any.' },
          },
          required: ['id'],
        },
      },
      (args) => {
        expectTypeOf(args).toEqualTypeOf<{ id: string; sort?: 'asc' | 'desc'; tags?: string[] }>()
      },
    )
    toolsFor<unknown>()(
      'a',
      {
        description,
        input: {
          type: 'object',
          properties: { n: { type: 'integer', description: 'Any.' } },
          required: ['n'],
        },
      },
      (args) => {
        expectTypeOf(args).toEqualTypeOf<{ n: number }>()
      },
    )
  })

  it('is what jsonSchema<T>() says where the document cannot tell', () => {
    const input = jsonSchema<Order>({
      type: 'object',
      allOf: [{ $ref: '#/$defs/order' }],
      $defs: { order: {} },
    })
    withDb().tool('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Order>()
    })
    toolsFor<unknown>()('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Order>()
    })
  })

  it('is an empty object without a schema', () => {
    withDb().tool('a', { description }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, never>>>()
    })
    withDb().tool('b', { description, input: undefined }, (args) => {
      expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, never>>>()
    })
    // A handler that takes nothing needs to name nothing.
    withDb().tool('c', { description }, () => 'done')
  })

  it('refuses what the schema does not have', () => {
    const input = z.object({ id: z.string() })
    withDb().tool('a', { description, input }, (args) => {
      // @ts-expect-error: the schema has no property "name"
      args.name
    })
    // @ts-expect-error: the handler wants a number where the schema gives a string
    withDb().tool('b', { description, input }, ({ id }: { id: number }) => id)
    // @ts-expect-error: the same in toolsFor
    toolsFor<unknown>()('b', { description, input }, ({ id }: { id: number }) => id)
  })
})

describe('output', () => {
  const output = z.object({ id: z.string(), total: z.number().default(0) })

  it('asks for what the schema takes in, before its defaults', () => {
    withDb().tool('a', { description, output }, () => ({ id: '1' }))
    withDb().tool('b', { description, output }, async () => ({ id: '1', total: 2 }))
    toolsFor<unknown>()('c', { description, output }, () => ({ id: '1' }))
  })

  it('allows content and whole results beside the value', () => {
    withDb().tool('a', { description, output }, () => text('1'))
    withDb().tool('b', { description, output }, () => [text('1'), text('2')])
    withDb().tool('c', { description, output }, () => result({ structured: { id: '1' }, content: 'one' }))
    toolsFor<unknown>()('d', { description, output }, () => result({ content: 'one', isError: true }))
  })

  it('is anything without a schema', () => {
    withDb().tool('a', { description }, () => 1)
    withDb().tool('b', { description }, async () => ({ any: ['thing'] }))
    withDb().tool('c', { description }, () => undefined)
  })

  it('refuses another type', () => {
    // @ts-expect-error: id must be a string
    withDb().tool('a', { description, output }, () => ({ id: 1 }))
    // @ts-expect-error: the same through a promise
    withDb().tool('b', { description, output }, async () => ({ id: 1 }))
    // @ts-expect-error: a property is missing
    withDb().tool('c', { description, output }, () => ({ total: 1 }))
    // @ts-expect-error: nothing is no order
    withDb().tool('d', { description, output }, () => undefined)
    // @ts-expect-error: a whole result is checked too
    withDb().tool('e', { description, output }, () => result({ structured: { id: 1 } }))
    // @ts-expect-error: the same in toolsFor
    toolsFor<unknown>()('f', { description, output }, () => ({ id: 1 }))
  })

  it('is checked for every kind of schema', () => {
    const ark = type({ id: 'string' })
    const vali = toStandardJsonSchema(v.object({ id: v.string() }))
    const given = jsonSchema<{ id: string }>({ type: 'object' })
    for (const output of [ark, vali, given]) withDb().tool('a', { description, output }, () => ({ id: '1' }))
    // @ts-expect-error: arktype wants a string
    withDb().tool('b', { description, output: ark }, () => ({ id: 1 }))
    // @ts-expect-error: valibot wants a string
    withDb().tool('c', { description, output: vali }, () => ({ id: 1 }))
    // @ts-expect-error: jsonSchema<T>() wants a string
    withDb().tool('d', { description, output: given }, () => ({ id: 1 }))
    withDb().tool(
      'e',
      { description, output: { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] } },
      // @ts-expect-error: the literal document wants a string
      () => ({ id: 1 }),
    )
  })
})

describe('services', () => {
  it('flow from the server and from toolsFor', () => {
    withDb().tool('a', { description }, (_args, ctx) => {
      expectTypeOf(ctx.services.db).toEqualTypeOf<Pool>()
      // @ts-expect-error: the server has no cache
      ctx.services.cache
    })
    toolsFor<{ db: Pool }>()('a', { description }, (_args, ctx) => {
      expectTypeOf(ctx.services).toEqualTypeOf<{ db: Pool }>()
    })
    bare().tool('a', { description }, (_args, ctx) => {
      // @ts-expect-error: a server without services has none
      ctx.services.db
    })
  })

  it('are asked for where a definition of its own file is added', () => {
    withDb().add(findOrder)
    withDb().group({ prefix: 'admin-' }).add(findOrder)
    createServer({ name: 'types', version: '1.0.0', services: { db: emptyPool, more: 1 } }).add(findOrder)
    bare().add(toolsFor<unknown>()('none', { description }, () => 'needs nothing'))
    // @ts-expect-error: this server has no db
    bare().add(findOrder)
    // @ts-expect-error: a group of a server without db has none either
    bare().group({ prefix: 'admin-' }).add(findOrder)
    // @ts-expect-error: the same for a definition that is made on the spot
    bare().add(toolsFor<{ db: Pool }>()('a', { description }, () => 'done'))
    // @ts-expect-error: a db of another type is not the one it needs
    createServer({ name: 'types', version: '1.0.0', services: { db: 'a string' } }).add(findOrder)
  })

  it('reach resources, prompts, completers and groups', () => {
    const server = withDb()
    server.resource('a', { description, uri: 'a://b' }, (_request, ctx) => {
      expectTypeOf(ctx.services.db).toEqualTypeOf<Pool>()
      return ''
    })
    server.prompt('a', { description }, (_args, ctx) => {
      expectTypeOf(ctx.services.db).toEqualTypeOf<Pool>()
      return ''
    })
    server.group({}).tool('in-group', { description }, (_args, ctx) => {
      expectTypeOf(ctx.services.db).toEqualTypeOf<Pool>()
    })
    const complete = {
      name: (value: string, ctx: { services: { readonly db: Pool } }) => {
        expectTypeOf(ctx.services.db).toEqualTypeOf<Pool>()
        return [value]
      },
    }
    server.resource('b', { description, uriTemplate: 'b://{name}', complete }, ({ params }) => params.name)
  })
})

describe('errors', () => {
  const errors = {
    not_found: { message: 'There is none.' },
    too_many: { message: 'Too many.', data: z.object({ limit: z.number() }) },
  }

  it('type the code and its data', () => {
    const [tool, definition] = doors()
    tool('a', { description, errors }, (_args, ctx) => {
      expectTypeOf(ctx.error).parameter(0).toEqualTypeOf<'not_found' | 'too_many'>()
      if (ctx.remaining() < 0) throw ctx.error('not_found')
      if (ctx.remaining() < 0) throw ctx.error('not_found', { value: 1, field: 'id' })
      throw ctx.error('too_many', { data: { limit: 3 } })
    })
    definition('a', { description, errors }, (_args, ctx) => {
      expectTypeOf(ctx.error).parameter(0).toEqualTypeOf<'not_found' | 'too_many'>()
      if (ctx.remaining() < 0) throw ctx.error('not_found', { value: 1, field: 'id' })
      throw ctx.error('too_many', { data: { limit: 3 } })
    })
  })

  it('are typed as well when the catalogue is written in place', () => {
    withDb().tool('a', { description, errors: { gone: { message: 'It is gone.' } } }, (_args, ctx) => {
      expectTypeOf(ctx.error).parameter(0).toEqualTypeOf<'gone'>()
      throw ctx.error('gone')
    })
  })

  it('refuse a code that is not declared, and data of another shape', () => {
    const [tool, definition] = doors()
    tool('a', { description, errors }, (_args, ctx) => {
      // @ts-expect-error: no such code in the catalogue
      if (ctx.remaining() < 0) throw ctx.error('not_fuond')
      // @ts-expect-error: this code declares data, so it must be given
      if (ctx.remaining() < 0) throw ctx.error('too_many')
      // @ts-expect-error: limit is a number
      throw ctx.error('too_many', { data: { limit: '3' } })
    })
    definition('a', { description, errors }, (_args, ctx) => {
      // @ts-expect-error: no such code in the catalogue
      if (ctx.remaining() < 0) throw ctx.error('not_fuond')
      // @ts-expect-error: limit is a number
      throw ctx.error('too_many', { data: { limit: '3' } })
    })
  })

  it('need a message where no catalogue gives one', () => {
    withDb().tool('a', { description }, (_args, ctx) => {
      if (ctx.remaining() < 0) throw ctx.error('anything', { message: 'Said here.' })
      // @ts-expect-error: without a catalogue the message must be said
      throw ctx.error('anything')
    })
  })
})

describe('resources', () => {
  it('know the variables of their template', () => {
    withDb().resource('a', { description, uriTemplate: 'data://{name}/{+path}' }, ({ uri, params }) => {
      expectTypeOf(uri).toEqualTypeOf<string>()
      expectTypeOf(params).toEqualTypeOf<{ readonly name: string; readonly path: string }>()
      // @ts-expect-error: the template has no variable "table"
      params.table
      return params.name
    })
  })

  it('have none with a fixed URI', () => {
    withDb().resource('a', { description, uri: 'app://config' }, ({ params }) => {
      // @ts-expect-error: a fixed URI has no variables
      params.name
      return { some: 'value' }
    })
  })

  it('refuse a completer for a variable that is not there', () => {
    withDb().resource(
      'a',
      { description, uriTemplate: 'data://{name}', complete: { name: (value) => [value] } },
      () => '',
    )
    const complete = { nmae: (value: string) => [value] }
    // @ts-expect-error: the template has no variable "nmae"
    const wrong = () => withDb().resource('b', { description, uriTemplate: 'b://{name}', complete }, () => '')
    // It does not start either.
    expect(wrong).toThrow('nmae')
  })

  it('refuse both a URI and a template, or neither', () => {
    // @ts-expect-error: one of the two is needed
    expect(() => withDb().resource('a', { description }, () => '')).toThrow()
  })
})

describe('prompts', () => {
  const input = z.object({ dataset: z.string().describe('Name.'), style: z.string().optional() })

  it('know their arguments', () => {
    withDb().prompt('a', { description, input }, (args) => {
      expectTypeOf(args).toEqualTypeOf<{ dataset: string; style?: string | undefined }>()
      return [user(args.dataset)]
    })
    withDb().prompt('b', { description }, () => 'text')
  })

  it('refuse a completer for an argument that is not there', () => {
    withDb().prompt('a', { description, input, complete: { dataset: (value) => [value] } }, () => '')
    const wrong = () =>
      withDb().prompt(
        'b',
        {
          description,
          input,
          // @ts-expect-error: the prompt has no argument "dataste"
          complete: { dataste: (value: string) => [value] },
        },
        () => '',
      )
    // It does not start either.
    expect(wrong).toThrow('dataste')
  })

  it('refuse what is no prompt', () => {
    // @ts-expect-error: a number is no message
    withDb().prompt('a', { description, input }, () => 1)
  })
})

describe('definitions', () => {
  it('must be described', () => {
    // @ts-expect-error: a tool without a description does not compile
    expect(() => withDb().tool('a', {}, () => 'done')).toThrow()
  })

  it('refuse options that do not exist', () => {
    expect(() =>
      // @ts-expect-error: there is no option "descripton"
      withDb().tool('a', { description, descripton: 'typo' }, () => 'done'),
    ).toThrow('use "description"')
    // @ts-expect-error: the same in toolsFor
    toolsFor<unknown>()('a', { description, descripton: 'typo' }, () => 'done')
  })

  it('are the same through both doors at run time', () => {
    const server = withDb()
    expect(() => server.add(findOrder)).not.toThrow()
    expect(findOrder).toMatchObject({ kind: 'tool', name: 'find-order' })
  })
})

import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import { mirroredParams } from './mirrored-params.js'

const annotated = (extra: object = {}) => ({ type: 'string', 'x-mcp-header': 'Region', ...extra })

describe('mirroredParams', () => {
  it('collects annotated properties with their paths', () => {
    const schema = {
      type: 'object',
      properties: {
        region: annotated(),
        plain: { type: 'string' },
        where: { type: 'object', properties: { shard: { type: 'integer', 'x-mcp-header': 'shard_1' } } },
        dry: { type: 'boolean', 'x-mcp-header': 'DRY' },
      },
    }
    expect(mirroredParams(schema)).toEqual([
      { header: 'Mcp-Param-Region', key: 'mcp-param-region', path: ['region'], type: 'string' },
      { header: 'Mcp-Param-shard_1', key: 'mcp-param-shard_1', path: ['where', 'shard'], type: 'integer' },
      { header: 'Mcp-Param-DRY', key: 'mcp-param-dry', path: ['dry'], type: 'boolean' },
    ])
  })

  it.each([undefined, null, true, 'text', [], {}, { type: 'object' }, { properties: { a: true } }])(
    'finds none in %j',
    (schema) => {
      expect(mirroredParams(schema)).toEqual([])
    },
  )

  it('takes a property that is called x-mcp-header, and data that looks like one, for what they are', () => {
    const schema = {
      properties: {
        'x-mcp-header': { type: 'string' },
        a: {
          type: 'object',
          default: { 'x-mcp-header': '' },
          const: { 'x-mcp-header': '' },
          examples: [{ 'x-mcp-header': '' }],
          enum: [{ 'x-mcp-header': '' }],
        },
      },
    }
    expect(mirroredParams(schema)).toEqual([])
  })

  it.each<[string, unknown]>([
    ['empty', ''],
    ['space', 'My Region'],
    ['colon', 'Region:Primary'],
    ['non-ASCII', 'Région'],
    ['line break', 'Region\r\nX-Evil: 1'],
    ['tab', 'Region\t1'],
    ['number', 5],
    ['null', null],
    ['array', ['Region']],
  ])('refuses a name that is no token: %s', (_, name) => {
    expect(() =>
      mirroredParams({ properties: { region: { type: 'string', 'x-mcp-header': name } } }),
    ).toThrow(DefinitionError)
  })

  it.each(['number', 'object', 'array', 'null', undefined, ['string', 'null']])(
    'refuses the type %j',
    (type) => {
      const create = () => mirroredParams({ properties: { region: { type, 'x-mcp-header': 'Region' } } })
      expect(create).toThrow(DefinitionError)
      expect(create).toThrow('"region"')
    },
  )

  it.each(['Region', 'REGION', 'region'])('refuses the same name twice (%s)', (name) => {
    const create = () =>
      mirroredParams({
        properties: { a: annotated(), b: { properties: { c: annotated({ 'x-mcp-header': name }) } } },
      })
    expect(create).toThrow(DefinitionError)
    expect(create).toThrow('"b.c"')
  })

  it.each<[string, object]>([
    ['the root', annotated()],
    ['items', { properties: { list: { type: 'array', items: annotated() } } }],
    ['a list of items', { properties: { list: { items: [annotated()] } } }],
    ['properties below items', { properties: { list: { items: { properties: { a: annotated() } } } } }],
    ['prefixItems', { properties: { list: { prefixItems: [annotated()] } } }],
    ['contains', { properties: { list: { contains: annotated() } } }],
    ['oneOf', { oneOf: [{ properties: { a: annotated() } }] }],
    ['anyOf', { properties: { a: { anyOf: [annotated(), { type: 'null' }] } } }],
    ['allOf', { allOf: [{ properties: { a: annotated() } }] }],
    ['not', { not: { properties: { a: annotated() } } }],
    ['if', { if: { properties: { a: annotated() } } }],
    ['then', JSON.parse(JSON.stringify({ KEY: { properties: { a: annotated() } } }).replace('KEY', 'then'))],
    ['else', { else: { properties: { a: annotated() } } }],
    ['$defs', { properties: { a: { $ref: '#/$defs/a' } }, $defs: { a: annotated() } }],
    ['definitions', { definitions: { a: annotated() } }],
    ['additionalProperties', { additionalProperties: annotated() }],
    ['patternProperties', { patternProperties: { '^a': annotated() } }],
    ['propertyNames', { propertyNames: annotated() }],
    ['dependentSchemas', { dependentSchemas: { a: { properties: { b: annotated() } } } }],
    ['unevaluatedProperties', { unevaluatedProperties: annotated() }],
  ])('refuses an annotation below %s', (_, schema) => {
    expect(() => mirroredParams(schema)).toThrow(DefinitionError)
    expect(() => mirroredParams(schema)).toThrow('"properties" alone')
  })
})

import { describe, expect, it } from 'vitest'
import { mirroredParams } from '../../protocol/mirrored-params.js'
import { checkRoutingHeaders, type RoutedMessage } from './mcp-headers.js'

function check(message: RoutedMessage, headers: Record<string, string>, schema?: unknown) {
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const options = schema === undefined ? {} : { mirroredParams: mirroredParams(schema) }
  return checkRoutingHeaders((name) => lower.get(name), message, options)
}

const encoded = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`

describe('Mcp-Method', () => {
  it.each(['tools/list', ' tools/list', 'tools/list \t'])('takes %j', (value) => {
    expect(check({ method: 'tools/list' }, { 'Mcp-Method': value })).toBeUndefined()
  })

  it.each([
    'prompts/list',
    'TOOLS/LIST',
    'tools/list/',
    '',
    'tools/list, tools/list',
    encoded('tools/list'),
    'tools/list\u00a0',
    'tools/list\0',
  ])('refuses %j', (value) => {
    const refusal = check({ method: 'tools/list' }, { 'Mcp-Method': value })
    expect(refusal).toMatchObject({ status: 400, code: -32020 })
    expect(refusal?.message).toContain('Mcp-Method')
    expect(refusal?.message).toContain('"tools/list"')
  })

  it('must be there', () => {
    expect(check({ method: 'tools/list' }, {})).toEqual({
      status: 400,
      code: -32020,
      message: 'The header Mcp-Method is missing, but method in the body is "tools/list"; send it.',
    })
  })

  it('says what both sides say', () => {
    expect(check({ method: 'tools/list' }, { 'Mcp-Method': 'prompts/list' })?.message).toBe(
      'The header Mcp-Method says "prompts/list", but method in the body is "tools/list"; send the same in both.',
    )
  })
})

describe('Mcp-Name', () => {
  const cases: [string, string][] = [
    ['tools/call', 'name'],
    ['prompts/get', 'name'],
    ['resources/read', 'uri'],
    ['tasks/get', 'taskId'],
    ['tasks/update', 'taskId'],
    ['tasks/cancel', 'taskId'],
  ]

  it.each(cases)('of %s is params.%s', (method, key) => {
    const message = { method, params: { [key]: 'file:///a b' } }
    const headers = { 'Mcp-Method': method }
    expect(check(message, { ...headers, 'Mcp-Name': ' file:///a b ' })).toBeUndefined()
    expect(check(message, { ...headers, 'Mcp-Name': encoded('file:///a b') })).toBeUndefined()
    expect(check(message, { ...headers, 'Mcp-Name': 'other' })).toMatchObject({ status: 400, code: -32020 })
    expect(check(message, { ...headers, 'Mcp-Name': 'FILE:///a b' })?.message).toContain('"FILE:///a b"')
    expect(check(message, headers)?.message).toContain(`params.${key}`)
  })

  it('is asked of nothing else, and not when the body has no name', () => {
    expect(
      check({ method: 'tools/list', params: { name: 'x' } }, { 'Mcp-Method': 'tools/list' }),
    ).toBeUndefined()
    expect(check({ method: 'tools/call', params: {} }, { 'Mcp-Method': 'tools/call' })).toBeUndefined()
    expect(
      check({ method: 'tools/call', params: { name: 5 } }, { 'Mcp-Method': 'tools/call' }),
    ).toBeUndefined()
    expect(check({ method: 'tools/call' }, { 'Mcp-Method': 'tools/call' })).toBeUndefined()
  })
})

describe('the Base64 sentinel', () => {
  const name = (value: string, header: string) =>
    check(
      { method: 'tools/call', params: { name: value } },
      { 'Mcp-Method': 'tools/call', 'Mcp-Name': header },
    )

  it.each([
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['', '=?base64??='],
    ['\ufeffmark', encoded('\ufeffmark')],
    ['Hello', '  =?base64?SGVsbG8=?=\t'],
    ['SGVsbG8=', 'SGVsbG8='],
    ['=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
    ['SGVsbG8=?=', 'SGVsbG8=?='],
    ['=?BASE64?SGVsbG8=?=', '=?BASE64?SGVsbG8=?='],
    ['=?base64?=', '=?base64?='],
    ['tab\tinside', 'tab\tinside'],
  ])('gives %j for %j', (value, header) => expect(name(value, header)).toBeUndefined())

  it.each([
    ['Hello', '=?base64?SGVsbG8?='],
    ['Hello', '=?base64?SGVs!!!bG8=?='],
    ['Hello', '=?base64?SGVs bG8=?='],
    ['Hello', '=?base64? SGVsbG8=?='],
    ['Hello', '=?base64?SGVs\tbG8=?='],
    ['Hello', '=?base64?SGVsbG8=\n?='],
    ['Hello', '=?base64?SGVsbG9=?='],
    ['Hello', '=?base64?SGVsbG8==?='],
    ['Hello', '=?base64?SGVsbG8====?='],
    ['Hello', '=?base64?=SGVsbG8?='],
    ['>>>?', '=?base64?Pj4-Pw==?='],
    ['\ufffd', '=?base64?/w==?='],
    ['\ufffd', '=?base64?gA==?='],
    ['/', '=?base64?wK8=?='],
    ['\ud800', '=?base64?7aCA?='],
    ['Hello', '=?base64?hello?='],
    ['Hello', 'SGVsbG8='],
    ['é', 'é'],
    ['世', '世'],
    ['a\nb', 'a\nb'],
    ['a\0b', 'a\0b'],
    ['a\u007fb', 'a\u007fb'],
  ])('refuses for %j the header %j', (value, header) => {
    expect(name(value, header)).toMatchObject({ status: 400, code: -32020 })
  })
})

describe('Mcp-Param-*', () => {
  const schema = {
    type: 'object',
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      limit: { type: 'integer', 'x-mcp-header': 'Limit' },
      dry: { type: 'boolean', 'x-mcp-header': 'Dry-Run' },
      nested: { type: 'object', properties: { constructor: { type: 'string', 'x-mcp-header': 'Deep' } } },
    },
  }
  const call = (args: unknown, headers: Record<string, string> = {}) =>
    check(
      { method: 'tools/call', params: { name: 't', arguments: args as Record<string, unknown> } },
      {
        'Mcp-Method': 'tools/call',
        'Mcp-Name': 't',
        ...headers,
      },
      schema,
    )

  it.each<[unknown, Record<string, string>]>([
    [{ region: 'us-west1' }, { 'Mcp-Param-Region': 'us-west1' }],
    [{ region: 'us-west1' }, { 'MCP-PARAM-REGION': ' us-west1\t' }],
    [{ region: '世' }, { 'Mcp-Param-Region': encoded('世') }],
    [{ region: '' }, { 'Mcp-Param-Region': '' }],
    [{ limit: 42 }, { 'Mcp-Param-Limit': '42' }],
    [{ limit: 42 }, { 'Mcp-Param-Limit': '42.0' }],
    [{ limit: -7 }, { 'Mcp-Param-Limit': '-7' }],
    [{ limit: 0 }, { 'Mcp-Param-Limit': '-0' }],
    [{ limit: Number.MAX_SAFE_INTEGER }, { 'Mcp-Param-Limit': '9007199254740991' }],
    [{ limit: '42' }, { 'Mcp-Param-Limit': '42' }],
    [{ dry: true }, { 'Mcp-Param-Dry-Run': 'true' }],
    [{ dry: false }, { 'Mcp-Param-Dry-Run': 'false' }],
    [{ nested: { constructor: 'x' } }, { 'Mcp-Param-Deep': 'x' }],
    [{ region: null, limit: null, dry: null }, {}],
    [{}, {}],
    [undefined, {}],
    [null, {}],
    ['text', {}],
    [[], {}],
    [{ nested: {} }, {}],
    [{ nested: 'x' }, {}],
    [{ region: ['wrong'] }, {}],
    [{ region: 'a' }, { 'Mcp-Param-Region': 'a', 'Mcp-Param-Foo': 'b\0' }],
  ])('takes %j with %j', (args, headers) => expect(call(args, headers)).toBeUndefined())

  it.each<[unknown, Record<string, string>, string]>([
    [{ region: 'us-west1' }, {}, 'Mcp-Param-Region'],
    [{ region: 'us-west1' }, { 'Mcp-Param-Region': 'us-east1' }, '"us-east1"'],
    [{ region: 'us-west1' }, { 'Mcp-Param-Region': 'US-WEST1' }, 'params.arguments.region'],
    [{ region: 'us-west1' }, { 'Mcp-Param-Region': 'us-west1, us-west1' }, 'Mcp-Param-Region'],
    [{ region: '' }, {}, 'missing'],
    [{ region: 'a\nb' }, { 'Mcp-Param-Region': 'a\nb' }, 'invalid characters'],
    [{ region: 'é' }, { 'Mcp-Param-Region': 'é' }, 'invalid characters'],
    [{ region: 'Hello' }, { 'Mcp-Param-Region': '=?base64?SGVsbG8?=' }, 'invalid characters or Base64'],
    [{ limit: 42 }, {}, 'params.arguments.limit'],
    [{ limit: 42 }, { 'Mcp-Param-Limit': '43' }, '"43"'],
    [{ limit: 42 }, { 'Mcp-Param-Limit': '42.00000000000000000001' }, 'Mcp-Param-Limit'],
    [{ limit: 42 }, { 'Mcp-Param-Limit': '0x2a' }, 'Mcp-Param-Limit'],
    [{ limit: 42 }, { 'Mcp-Param-Limit': '+42' }, 'Mcp-Param-Limit'],
    [{ limit: 0 }, { 'Mcp-Param-Limit': '' }, 'Mcp-Param-Limit'],
    [{ limit: 2 ** 53 }, { 'Mcp-Param-Limit': '9007199254740993' }, 'Mcp-Param-Limit'],
    [{ limit: 2 ** 53 }, { 'Mcp-Param-Limit': '9007199254740992' }, 'Mcp-Param-Limit'],
    [{ dry: true }, { 'Mcp-Param-Dry-Run': 'True' }, '"True"'],
    [{ dry: false }, { 'Mcp-Param-Dry-Run': '0' }, '"false"'],
    [{ dry: false }, {}, 'missing'],
    [{ nested: { constructor: 'x' } }, {}, 'params.arguments.nested.constructor'],
    [{ region: null }, { 'Mcp-Param-Region': 'us-west1' }, 'no value'],
    [{}, { 'Mcp-Param-Region': '' }, 'no value'],
    [{}, { 'Mcp-Param-Deep': 'function Object() { [native code] }' }, 'no value'],
  ])('refuses %j with %j', (args, headers, part) => {
    const refusal = call(args, headers)
    expect(refusal).toMatchObject({ status: 400, code: -32020 })
    expect(refusal?.message).toContain(part)
  })

  it('cuts what it repeats', () => {
    expect(
      call({ region: 'x'.repeat(9000) }, { 'Mcp-Param-Region': 'y'.repeat(9000) })?.message.length,
    ).toBeLessThan(300)
  })
})

import { describe, expect, it } from 'vitest'
import { encodeRefusal } from './refusal.js'

const refusal = { status: 400, code: -32600, message: 'No.' }

describe('encodeRefusal', () => {
  it('leaves the id out when it is not known', () => {
    expect(encodeRefusal(refusal)).toBe('{"jsonrpc":"2.0","error":{"code":-32600,"message":"No."}}')
  })

  it.each([0, 1, '', '1'])('repeats the id %j as it came', (id) => {
    expect(JSON.parse(encodeRefusal(refusal, id))).toEqual({
      jsonrpc: '2.0',
      id,
      error: { code: -32600, message: 'No.' },
    })
  })

  it('carries data, and neither status nor headers', () => {
    const body: unknown = JSON.parse(
      encodeRefusal({ ...refusal, headers: { a: 'b' }, data: { supported: [] } }, 1),
    )
    expect(body).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32600, message: 'No.', data: { supported: [] } },
    })
  })
})

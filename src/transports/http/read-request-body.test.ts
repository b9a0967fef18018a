import { describe, expect, it } from 'vitest'
import { readRequestBody } from './read-request-body.js'

const limits = { maxBytes: 1000, timeoutMs: 10_000 }

function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  headers: Record<string, string> = {},
): Request {
  return new Request('http://localhost/mcp', { method: 'POST', body, headers, duplex: 'half' })
}

function streamOf(pieces: Iterable<Uint8Array>, onCancel?: () => void): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.iterator]()
  return new ReadableStream({
    pull(controller) {
      const { done, value } = iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => onCancel?.(),
  })
}

describe('readRequestBody', () => {
  it('reads text, nothing, and characters split over pieces', async () => {
    expect(await readRequestBody(post('{"a":"世"}'), limits)).toBe('{"a":"世"}')
    expect(await readRequestBody(post(null), limits)).toBe('')
    expect(await readRequestBody(post(''), limits)).toBe('')
    const pieces = [...new TextEncoder().encode('世界')].map((byte) => Uint8Array.of(byte))
    expect(await readRequestBody(post(streamOf(pieces)), limits)).toBe('世界')
  })

  it('enforces the limit on what arrives, whatever the length says', async () => {
    expect(await readRequestBody(post('x'.repeat(1000)), limits)).toBe('x'.repeat(1000))
    expect(await readRequestBody(post('x'.repeat(1001)), limits)).toMatchObject({ status: 413, code: -32600 })
    expect(await readRequestBody(post('x'.repeat(1001), { 'content-length': '5' }), limits)).toMatchObject({
      status: 413,
    })
    expect(await readRequestBody(post('x', { 'content-length': '1001' }), limits)).toMatchObject({
      status: 413,
    })
    expect(await readRequestBody(post('x', { 'content-length': '1e1' }), limits)).toMatchObject({
      status: 400,
    })
  })

  it('stops reading an endless body', async () => {
    let cancelled = false
    function* endless(): Generator<Uint8Array> {
      for (;;) yield new Uint8Array(100)
    }
    const request = post(streamOf(endless(), () => (cancelled = true)))
    expect(await readRequestBody(request, limits)).toMatchObject({ status: 413 })
    expect(cancelled).toBe(true)
  })

  it('gives up on a body that does not come', async () => {
    const request = post(new ReadableStream())
    const body = await readRequestBody(request, { maxBytes: 1000, timeoutMs: 20 })
    expect(body).toMatchObject({ status: 408, code: -32600 })
    expect(body).not.toHaveProperty('headers')
  })

  it('is silent when the stream breaks', async () => {
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error('gone')) })
    expect(await readRequestBody(post(broken), limits)).toBeUndefined()
  })

  it('refuses compression, bad UTF-8 and a body that was read before', async () => {
    expect(await readRequestBody(post('x', { 'content-encoding': 'gzip' }), limits)).toMatchObject({
      status: 415,
    })
    expect(await readRequestBody(post(Uint8Array.of(0xff)), limits)).toMatchObject({
      status: 400,
      code: -32700,
    })
    const used = post('x')
    await used.text()
    expect(await readRequestBody(used, limits)).toMatchObject({ status: 500 })
  })
})

import { describe, expect, it } from 'vitest'
import { checkContentType, negotiateAccept } from './media-type.js'

describe('Content-Type', () => {
  it.each([
    'application/json',
    'Application/JSON',
    'application/json;charset=utf-8',
    'application/json; charset=UTF-8',
    'application/json; charset="utf-8"',
    'application/json; charset="ut\\f-8"',
    'application/json ; charset=utf-8',
    '  application/json\t',
    'application/json;',
    'application/json;;charset=utf-8;',
    'application/json; profile="a;b,c=\\"d\\""; charset=utf-8',
    'application/json; charset=utf8',
  ])('takes %j', (header) => expect(checkContentType(header)).toBeUndefined())

  it.each([
    undefined,
    '',
    'text/plain',
    'text/plain; application/json',
    'text/json',
    'application/jsonp',
    'application/json5',
    'application/json-seq',
    'application/vnd.api+json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=application/json',
    'application/*',
    '*/*',
    'application',
    'application/',
    '/json',
    'application /json',
    'application/ json',
    'application/json, text/plain',
    'text/plain, application/json',
    'application/json text/plain',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/json; charset=utf-8; charset=utf-7',
    'application/json; charset=',
    'application/json; charset="utf-8',
    'application/json; charset = utf-8',
    'application/json; charset',
    '"application/json"',
    'application/json\u00a0',
  ])('refuses %j with 415', (header) => {
    expect(checkContentType(header)).toMatchObject({
      status: 415,
      code: -32600,
      headers: { accept: 'application/json' },
    })
  })
})

describe('Accept', () => {
  const jsonOnly = { json: true, eventStream: false }
  const eventStreamOnly = { json: false, eventStream: true }
  const both = { json: true, eventStream: true }

  it.each([
    undefined,
    '',
    '*/*',
    'application/json',
    'application/*',
    '*/*;q=0.1',
    'text/html, */*;q=0.8',
    'APPLICATION/JSON; q=1',
  ])('means JSON by %j', (header) => expect(negotiateAccept(header)).toEqual(jsonOnly))

  it.each([
    'application/json, text/event-stream',
    'text/event-stream,application/json',
    'application/json;q=0.1 , text/event-stream;q=0.9',
    'application/json;charset=utf-8, text/event-stream',
    'application/*, text/*',
    '*/*, text/event-stream',
    'text/event-stream, */*;q=0.001',
    ',, application/json ,, text/event-stream,',
    'application/json;note="a, b;q=0", text/event-stream',
    'garbage, application/json, ???, text/event-stream;q="x", text/event-stream',
  ])('allows both by %j', (header) => expect(negotiateAccept(header)).toEqual(both))

  it.each([
    'text/event-stream',
    'text/*',
    'text/event-stream, application/json;q=0',
    'text/event-stream, application/*;q=0.000',
    'application/json;q=0, */*',
    'text/event-stream, */*;q=0',
  ])('allows only a stream by %j', (header) => expect(negotiateAccept(header)).toEqual(eventStreamOnly))

  it('lets the more specific range win', () => {
    expect(negotiateAccept('application/json, application/*;q=0')).toEqual(jsonOnly)
    expect(negotiateAccept('text/event-stream;q=0, text/*, application/json')).toEqual(jsonOnly)
  })

  it.each([
    'text/html',
    'text/html, application/xml',
    'application/json;q=0',
    'application/json;q=0, text/event-stream;q=0.0',
    '*/*;q=0',
    'text/event-stream;q=0, application/json;q=0, */*;q=0',
    'garbage',
    ',',
    'application/jsonp',
    'application/json;q=1.5',
    'application/json;q=-1',
    'application/json;q=',
    'application/json;q="0.5',
    'text/html;a="application/json, text/event-stream"',
  ])('refuses %j with 406', (header) => {
    expect(negotiateAccept(header)).toMatchObject({ status: 406, code: -32600 })
  })

  it('stays linear on hostile headers', () => {
    const hostile = [
      '"'.repeat(1e6),
      '"\\'.repeat(5e5),
      'a/b;c="'.repeat(2e5),
      'a/b;'.repeat(3e5),
      ' '.repeat(1e6),
      ','.repeat(1e6),
    ]
    const began = performance.now()
    for (const header of hostile) expect(negotiateAccept(header)).toMatchObject({ status: 406 })
    // Linear takes some milliseconds, quadratic would take hours.
    expect(performance.now() - began).toBeLessThan(5000)
  })
})

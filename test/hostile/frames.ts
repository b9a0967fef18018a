import fc from 'fast-check'
import { ableEnvelope, metaEnvelope } from './envelope.js'
import { toolNames } from './target-server.js'

/** Hostile frames: messages that were valid once, spoiled as values, as text and as bytes. */

const ids = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }).map(String) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      Number.MAX_SAFE_INTEGER,
      -1,
      '',
      'x'.repeat(3000),
      '\u0000',
      '\ud800',
      '__proto__',
      's1',
      'n1',
      '💥',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(null, 1.5, 2 ** 60, 1e300, true, {}, [], [1], { id: 1 }),
  },
)

const methods = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'tools/call',
      'tools/call',
      'tools/call',
      'tools/list',
      'resources/list',
      'resources/templates/list',
      'resources/read',
      'prompts/list',
      'prompts/get',
      'completion/complete',
      'ping',
      'server/discover',
      'initialize',
      'logging/setLevel',
      'resources/subscribe',
      'resources/unsubscribe',
      'tasks/get',
      'tasks/update',
      'tasks/cancel',
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'notifications/initialized',
      'notifications/progress',
      'constructor',
      '__proto__',
      'toString',
      'tools/',
      '/',
      '',
      'logging/setLevel',
      'subscriptions/listen',
      'tasks/get',
      'x'.repeat(2000),
      'tools/call\u0000',
      'rpc.discover',
    ),
  },
)

const strange = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      null,
      0,
      -0,
      1e308,
      true,
      '',
      '{"id":"1"}',
      '[1,2',
      '\udc00\ud800',
      'a'.repeat(5000),
      '\u202e\u0007\u001b[31m',
      [],
      {},
      [[[[[]]]]],
      { constructor: { prototype: { polluted: true } } },
      { toJSON: 1, valueOf: 2, then: 3, length: -1 },
      '$DEEP$',
      '$PROTO$',
      '$HUGE$',
    ),
  },
)

const names = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...toolNames, 'slow', 'slow', 'deaf', 'ask') },
  { weight: 1, arbitrary: strange },
)

const params = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        name: names,
        arguments: fc.oneof(
          fc.record({ id: fc.oneof(fc.string(), strange), count: strange }, { requiredKeys: [] }),
          fc.record({ a: fc.oneof(fc.integer(), strange), b: fc.integer() }),
          fc.record({ topic: fc.oneof(fc.string(), strange) }),
          strange,
        ),
        _meta: fc.oneof(
          fc.constant({ progressToken: 'p' }),
          fc.constant(metaEnvelope),
          fc.constant(ableEnvelope),
          strange,
        ),
        // What comes back of a question, or pretends to.
        inputResponses: fc.oneof(fc.constant({ ok: { action: 'accept', content: { ok: true } } }), strange),
        requestState: fc.oneof(fc.string(), strange),
      },
      { requiredKeys: ['name'] },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        uri: fc.oneof(
          fc.constantFrom('app://fixed', 'data://t/p', 'data://throw/p', 'data://%E0%A4%A/x'),
          strange,
        ),
        cursor: strange,
        ref: fc.oneof(fc.constantFrom({ type: 'ref/prompt', name: 'ask' }), strange),
        argument: fc.oneof(fc.constant({ name: 'topic', value: 'a' }), strange),
        level: fc.oneof(fc.constantFrom('info', 'debug'), strange),
        taskId: fc.oneof(fc.string(), strange),
        inputResponses: strange,
        _meta: fc.oneof(fc.constant(metaEnvelope), fc.constant(ableEnvelope)),
      },
      { requiredKeys: [] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      protocolVersion: fc.oneof(
        fc.constantFrom('2025-11-25', '2025-03-26', '2026-07-28', '1999-01-01'),
        strange,
      ),
      capabilities: fc.oneof(fc.constant({}), strange),
      clientInfo: fc.oneof(fc.constant({ name: 'x', version: '1' }), strange),
    }),
  },
  { weight: 1, arbitrary: strange },
)

const requests = fc.record(
  { jsonrpc: fc.constant('2.0'), id: ids, method: methods, params },
  { requiredKeys: ['jsonrpc', 'method', 'id'] },
)

const messages: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 12, arbitrary: requests },
  {
    weight: 2,
    arbitrary: ids.map((requestId) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    })),
  },
  { weight: 1, arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), method: methods, params }) },
  { weight: 1, arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), id: ids, result: strange }) },
  { weight: 1, arbitrary: fc.record({ jsonrpc: fc.constant('2.0'), id: ids, error: strange }) },
  { weight: 1, arbitrary: strange },
)

/** Replaces, removes or adds something at one place of a message. */
const valueChange = fc.record({
  at: fc.nat(1000),
  how: fc.constantFrom('replace', 'remove', 'add', 'wrap'),
  key: fc.constantFrom(
    'id',
    'method',
    'jsonrpc',
    'params',
    'result',
    'error',
    'extra',
    'constructor',
    'toJSON',
  ),
  value: strange,
})

type ValueChange = typeof valueChange extends fc.Arbitrary<infer Change> ? Change : never

function places(
  value: unknown,
  found: { holder: object; key: string }[] = [],
): { holder: object; key: string }[] {
  if (typeof value !== 'object' || value === null || found.length > 200) return found
  for (const key of Object.keys(value)) {
    found.push({ holder: value, key })
    places(Reflect.get(value, key), found)
  }
  return found
}

function changed(message: unknown, changes: readonly ValueChange[]): unknown {
  const copy: unknown = structuredClone(message)
  for (const { at, how, key, value: shared } of changes) {
    // A copy of its own: the same object twice could come to hold itself.
    const value: unknown = structuredClone(shared)
    const all = places(copy)
    const place = all[at % Math.max(1, all.length)]
    if (place === undefined) continue
    const old: unknown = Reflect.get(place.holder, place.key)
    if (how === 'remove') Reflect.deleteProperty(place.holder, place.key)
    else if (how === 'replace') Reflect.set(place.holder, place.key, value)
    else if (how === 'wrap') Reflect.set(place.holder, place.key, [old])
    else if (!Array.isArray(place.holder)) Reflect.set(place.holder, key, value)
  }
  return copy
}

/** What no value can express is put in as text. */
function written(message: unknown): string {
  const text = JSON.stringify(message) ?? 'null'
  return text
    .replaceAll('"$DEEP$"', `${'['.repeat(300)}1${']'.repeat(300)}`)
    .replaceAll('"$PROTO$"', '{"__proto__":{"polluted":true},"\\u005f_proto__":1,"a":1,"a":2}')
    .replaceAll('"$HUGE$"', `1${'0'.repeat(400)}`)
}

const spoilers: readonly ((bytes: Buffer, at: number) => Buffer)[] = [
  (bytes, at) => bytes.subarray(0, at),
  (bytes, at) => bytes.subarray(at),
  (bytes, at) => insert(bytes, at, Buffer.from([0xff])),
  (bytes, at) => insert(bytes, at, Buffer.from([0xc0, 0x80])),
  (bytes, at) => insert(bytes, at, Buffer.from([0xed, 0xa0, 0x80])),
  (bytes, at) => insert(bytes, at, Buffer.from('\u0000')),
  (bytes, at) => insert(bytes, at, Buffer.from('\ufeff')),
  (bytes, at) => insert(bytes, at, Buffer.from('\r')),
  (bytes, at) => insert(bytes, at, Buffer.from('\n')),
  (bytes, at) => insert(bytes, at, Buffer.from('"')),
  (bytes, at) => insert(bytes, at, Buffer.from('{"__proto__":1},')),
  (bytes, at) => insert(bytes, at, Buffer.from('\\')),
  (bytes, at) => insert(bytes, at, bytes.subarray(0, at)),
  (bytes) => Buffer.concat([bytes, Buffer.from(' '.repeat(70_000))]),
  (bytes) => Buffer.concat([Buffer.from('['.repeat(5000)), bytes]),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes) => Buffer.from(bytes.toString('latin1'), 'utf16le'),
  (bytes) => Buffer.from(bytes.toString('utf8').replace('{', '{"id":77,')),
  (bytes) => Buffer.from(bytes.toString('utf8').replace('{', '{"__proto__":{"polluted":true},')),
  (bytes, at) => {
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] ?? 0) ^ 0x10
    return copy
  },
]

function insert(bytes: Buffer, at: number, more: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
}

const spoiler = fc.record({ kind: fc.nat(spoilers.length - 1), at: fc.nat(100_000) })

const bodies = fc.oneof(
  { weight: 20, arbitrary: messages.map(written) },
  {
    weight: 20,
    arbitrary: fc
      .tuple(messages, fc.array(valueChange, { minLength: 1, maxLength: 3 }))
      .map(([message, changes]) => written(changed(message, changes))),
  },
  { weight: 5, arbitrary: fc.array(messages, { maxLength: 6 }).map(written) },
  {
    weight: 1,
    arbitrary: fc
      .nat(60)
      .map((count) => written(Array.from({ length: count }, (_, id) => ({ id, method: 'x' })))),
  },
)

/** One hostile frame: the bytes of a line or of a body. */
export const frames: fc.Arbitrary<Buffer> = fc
  .tuple(bodies, fc.option(spoiler, { freq: 4 }))
  .map(([body, spoil]) => {
    const bytes = Buffer.from(body)
    if (spoil === null) return bytes
    return spoilers[spoil.kind]?.(bytes, spoil.at % Math.max(1, bytes.length)) ?? bytes
  })

import fc from 'fast-check'

/** How a frame travels: in a request that is in order, with hostile headers, or in what is hardly HTTP at all. */
export interface Carrier {
  readonly kind: string
  /** `frame`: the body arrives as it is; `unsure`: perhaps; `nothing`: no answer says anything of the frame. */
  readonly carries: 'frame' | 'unsure' | 'nothing'
  /** Whether the request belongs to the session of its round. */
  readonly session: boolean
  /** How many responses must come at least. */
  readonly responses: number
  readonly build: (frame: Buffer, around: Around) => Sent
}

export interface Around {
  readonly port: number
  readonly session: string
  readonly version: string
}

export interface Sent {
  readonly bytes: Buffer
  /** How many responses to wait for. */
  readonly count?: number
  /** Whether to close the sending side after it, so that a server that waits for more learns there is none. */
  readonly end?: boolean
  /** Whether to close the connection after the responses. */
  readonly close?: boolean
  /** Whether a stream of events may be opened by it, which stays open. */
  readonly opens?: boolean
}

const accept = ['Content-Type: application/json', 'Accept: application/json, text/event-stream']

/** A POST that is in order, with more headers. */
export function clean(body: Buffer, headers: readonly string[]): Buffer {
  return post([...accept, ...headers, `Content-Length: ${body.length}`], body)
}

function post(headers: readonly string[], body: Buffer, line = 'POST /mcp HTTP/1.1'): Buffer {
  return Buffer.concat([
    Buffer.from(`${[line, 'Host: 127.0.0.1', ...headers].join('\r\n')}\r\n\r\n`, 'latin1'),
    body,
  ])
}

/** The headers that mirror a body of 2026-07-28, where it has something to mirror that a header can hold. */
function mirrors(frame: Buffer): string[] {
  const headers = ['MCP-Protocol-Version: 2026-07-28']
  let value: unknown
  try {
    value = JSON.parse(frame.toString('utf8'))
  } catch {
    return headers
  }
  const { method, params } = (value ?? {}) as { method?: unknown; params?: unknown }
  const { name, uri } = (params ?? {}) as { name?: unknown; uri?: unknown }
  if (isPlain(method)) headers.push(`Mcp-Method: ${method}`)
  const named = method === 'resources/read' ? uri : name
  if (isPlain(named)) headers.push(`Mcp-Name: ${named}`)
  return headers
}

function isPlain(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]+$/.test(value) && value.length < 1000
}

/** The headers that put a request into the round's session. */
export function inSession({ session, version }: Around): string[] {
  return [`Mcp-Session-Id: ${session}`, `MCP-Protocol-Version: ${version}`]
}

const ordinary: readonly Carrier[] = [
  {
    kind: 'session',
    carries: 'frame',
    session: true,
    responses: 1,
    build: (frame, around) => ({ bytes: clean(frame, inSession(around)) }),
  },
  {
    kind: 'stateless',
    carries: 'frame',
    session: false,
    responses: 1,
    build: (frame) => ({ bytes: clean(frame, mirrors(frame)) }),
  },
  {
    kind: 'no headers',
    carries: 'frame',
    session: false,
    responses: 1,
    build: (frame) => ({ bytes: clean(frame, []) }),
  },
  {
    kind: 'chunked',
    carries: 'frame',
    session: true,
    responses: 1,
    build: (frame, around) => ({
      bytes: post([...accept, ...inSession(around), 'Transfer-Encoding: chunked'], chunked(frame, 97)),
    }),
  },
]

/** A header line for the place of another, or beside it. */
const hostileHeaders = fc.constantFrom(
  'Mcp-Session-Id: x',
  `Mcp-Session-Id: ${'A'.repeat(8000)}`,
  'Mcp-Session-Id: ',
  'Mcp-Session-Id: \u00ff\u00fe',
  'Mcp-Session-Id: v1.eyJhbGciOiJub25lIn0.e30.',
  'Mcp-Session-Id: $SESSION$x',
  'MCP-Protocol-Version: 1999-01-01',
  'MCP-Protocol-Version: __proto__',
  'MCP-Protocol-Version: constructor',
  `MCP-Protocol-Version: ${'9'.repeat(4000)}`,
  'Mcp-Method: tools/list',
  'Mcp-Method: =?base64?////?=',
  'Mcp-Name: =?base64?4pyT?=',
  'Mcp-Name: toString',
  'Mcp-Param-Id: 1',
  'Accept: nonsense',
  'Accept: */*;q=0, text/html',
  'Accept: application/json;q=0.0.0',
  `Accept: ${'a/b,'.repeat(1500)}`,
  'Accept: text/event-stream',
  'Content-Type: text/plain',
  'Content-Type: application/json; charset=utf-7',
  'Content-Type: application/json; ;;="',
  'Content-Encoding: gzip',
  'Origin: null',
  'Origin: http://evil.example',
  'Origin: http://127.0.0.1:1@evil.example',
  'Host: evil.example',
  'X-Forwarded-For: 1.2.3.4, %',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Authorization: Bearer \u00e9',
  'Cookie: __proto__=1',
  '__proto__: 1',
  'Last-Event-ID: 1',
)

const lines = fc.constantFrom(
  'POST /mcp HTTP/1.1',
  'GET /mcp HTTP/1.1',
  'DELETE /mcp HTTP/1.1',
  'OPTIONS /mcp HTTP/1.1',
  'PUT /mcp HTTP/1.1',
  'POST /mcp/../../etc/passwd HTTP/1.1',
  'POST //mcp HTTP/1.1',
  'POST /mcp?x=%00 HTTP/1.1',
  'POST http://evil.example/mcp HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'TRACE /mcp HTTP/1.1',
)

const withHeaders = fc.tuple(lines, fc.array(hostileHeaders, { minLength: 1, maxLength: 4 })).map(
  ([line, headers]): Carrier => ({
    kind: `headers ${line} ${headers.join(' | ').slice(0, 200)}`,
    carries: 'unsure',
    session: true,
    responses: 1,
    build: (frame, around) => {
      const given = headers.map((header) => header.replace('$SESSION$', around.session))
      const names = new Set(given.map((header) => header.slice(0, header.indexOf(':')).toLowerCase()))
      // A DELETE that is in order would rightly end the session of all the others.
      const own = line.startsWith('DELETE') ? [] : inSession(around)
      const kept = [...accept, ...own].filter(
        (header) => !names.has(header.slice(0, header.indexOf(':')).toLowerCase()),
      )
      const bytes = post([...kept, ...given, `Content-Length: ${frame.length}`], frame, line)
      // A GET that is in order opens a stream, and that stays open.
      return { bytes, close: true, opens: line.startsWith('GET') }
    },
  }),
)

const broken: readonly [
  kind: string,
  build: (frame: Buffer, around: Around) => Buffer,
  responses?: number,
][] = [
  ['no HTTP', (frame) => frame],
  ['half a head', (frame) => clean(frame, []).subarray(0, 30)],
  ['no length', (frame) => post(accept, frame)],
  ['length too long', (frame) => post([...accept, `Content-Length: ${frame.length + 10}`], frame)],
  [
    'length too short',
    (frame) => post([...accept, `Content-Length: ${Math.floor(frame.length / 2)}`], frame),
  ],
  ['length negative', (frame) => post([...accept, 'Content-Length: -1'], frame)],
  ['length huge', (frame) => post([...accept, 'Content-Length: 99999999999999999999'], frame)],
  ['length twice', (frame) => post([...accept, 'Content-Length: 1', 'Content-Length: 2'], frame)],
  ['length over the limit', (frame) => post([...accept, 'Content-Length: 100000000'], frame), 1],
  [
    'length and chunks',
    (frame) => post([...accept, 'Transfer-Encoding: chunked', 'Content-Length: 5'], chunked(frame, 9)),
  ],
  ['unknown encoding', (frame) => post([...accept, 'Transfer-Encoding: gzip, chunked'], chunked(frame, 9))],
  [
    'chunk size no number',
    (frame) => post([...accept, 'Transfer-Encoding: chunked'], Buffer.concat([Buffer.from('zz\r\n'), frame])),
  ],
  [
    'chunk size huge',
    (frame) =>
      post(
        [...accept, 'Transfer-Encoding: chunked'],
        Buffer.concat([Buffer.from('fffffffffffffffff\r\n'), frame]),
      ),
  ],
  [
    'chunk too short',
    (frame) =>
      post(
        [...accept, 'Transfer-Encoding: chunked'],
        Buffer.concat([Buffer.from('1\r\n'), frame, Buffer.from('\r\n0\r\n\r\n')]),
      ),
  ],
  [
    'chunks without end',
    (frame) => post([...accept, 'Transfer-Encoding: chunked'], chunked(frame, 9).subarray(0, -5)),
  ],
  [
    'chunks of one byte',
    (frame) => post([...accept, 'Transfer-Encoding: chunked'], chunked(frame.subarray(0, 2000), 1)),
    1,
  ],
  [
    'chunks over the limit',
    (frame) =>
      post(
        [...accept, 'Transfer-Encoding: chunked'],
        chunked(Buffer.alloc(80_000, frame.length === 0 ? ' ' : frame), 8000),
      ),
    1,
  ],
  [
    'chunk extension',
    (frame) =>
      post(
        [...accept, 'Transfer-Encoding: chunked'],
        Buffer.concat([Buffer.from(`1;${'x'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`), frame]),
      ),
  ],
  [
    'trailers',
    (frame) =>
      post(
        [...accept, 'Transfer-Encoding: chunked'],
        Buffer.concat([
          chunked(frame, 50).subarray(0, -2),
          Buffer.from('Content-Length: 1\r\n__proto__: x\r\n\r\n'),
        ]),
      ),
  ],
  [
    'bare newlines',
    (frame) =>
      Buffer.from(
        `POST /mcp HTTP/1.1\nHost: 127.0.0.1\nContent-Length: ${frame.length}\n\n${frame.toString('latin1')}`,
        'latin1',
      ),
  ],
  [
    'no host',
    (frame) =>
      Buffer.concat([Buffer.from(`POST /mcp HTTP/1.1\r\nContent-Length: ${frame.length}\r\n\r\n`), frame]),
    1,
  ],
  ['two hosts', (frame) => post([...accept, 'Host: evil.example', `Content-Length: ${frame.length}`], frame)],
  [
    'HTTP/1.0',
    (frame) => post([...accept, `Content-Length: ${frame.length}`], frame, 'POST /mcp HTTP/1.0'),
    1,
  ],
  ['HTTP/9.9', (frame) => post([...accept, `Content-Length: ${frame.length}`], frame, 'POST /mcp HTTP/9.9')],
  ['HTTP/2 preface', () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ['TLS hello', () => Buffer.from('16030100a5010000a10303', 'hex')],
  [
    'head too large',
    (frame) => post([...accept, `X-Big: ${'x'.repeat(70_000)}`, `Content-Length: ${frame.length}`], frame),
  ],
  [
    'too many headers',
    (frame) =>
      post(
        [...accept, ...Array.from({ length: 3000 }, (_, n) => `X${n}: 1`), `Content-Length: ${frame.length}`],
        frame,
      ),
  ],
  [
    'header with a NUL',
    (frame) => post([...accept, 'X-Nul: a\u0000b', `Content-Length: ${frame.length}`], frame),
  ],
  [
    'folded header',
    (frame) => post([...accept, 'X-Fold: a\r\n b', `Content-Length: ${frame.length}`], frame),
  ],
]

const asBroken = fc.constantFrom(...broken).map(
  ([kind, build, responses = 0]): Carrier => ({
    kind,
    carries: 'nothing',
    session: false,
    responses,
    // Node ends the answer too when the sending side closes, so it is closed only where none has to come.
    build: (frame, around) => {
      const bytes = build(frame, around)
      return responses > 0 ? { bytes, close: true } : { bytes, count: 1000, end: true }
    },
  }),
)

/** Several requests in one write: every one is answered, in order. */
const pipelined: Carrier = {
  kind: 'pipelined',
  carries: 'nothing',
  session: true,
  responses: 4,
  build: (frame, around) => ({
    bytes: Buffer.concat([
      clean(frame, inSession(around)),
      clean(frame, mirrors(frame)),
      clean(frame, inSession(around)),
      clean(Buffer.from('{}'), []),
    ]),
    count: 4,
  }),
}

/** One of the ways; half of all frames arrive unharmed, so that what they say is what is judged. */
export const carriers: fc.Arbitrary<Carrier> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...ordinary) },
  { weight: 5, arbitrary: withHeaders },
  { weight: 4, arbitrary: asBroken },
  { weight: 1, arbitrary: fc.constant(pipelined) },
)

export function request(frame: Buffer, carrier: Carrier, around: Around): Sent {
  return carrier.build(frame, around)
}

function chunked(bytes: Buffer, size: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size)
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

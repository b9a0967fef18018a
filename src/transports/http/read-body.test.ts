import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Body } from './body-rules.js'
import { createBodyReader } from './read-body.js'

const closing: Server[] = []

afterEach(() => {
  for (const server of closing.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

interface Rig {
  readonly port: number
  /** What each request came to, in order. */
  next(): Promise<Body>
}

async function rig(
  limits = { maxBytes: 1000, timeoutMs: 10_000 },
  before?: (req: IncomingMessage) => Promise<void>,
): Promise<Rig> {
  const reader = createBodyReader(limits)
  const bodies: Body[] = []
  let wake: (() => void) | undefined
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    await before?.(req)
    const body = await reader.read(req)
    bodies.push(body)
    wake?.()
    if (body === undefined) return
    const status = typeof body === 'string' ? 200 : body.status
    const text = typeof body === 'string' ? body : body.message
    res.writeHead(status, {
      ...(typeof body === 'string' ? {} : body.headers),
      'content-length': Buffer.byteLength(text),
    })
    res.end(text)
  }
  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined))
  })
  closing.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async next() {
      if (bodies.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return bodies.shift()
    },
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

function head(headers: string): string {
  return `POST / HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n`
}

/** Everything up to and with the body of one answer. */
async function answer(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk)
    const length = /content-length: (\d+)/i.exec(text)?.[1]
    const start = text.indexOf('\r\n\r\n')
    if (length !== undefined && start !== -1 && Buffer.byteLength(text.slice(start + 4)) >= Number(length))
      break
  }
  return text
}

describe('readBody on node:http', () => {
  it('reads a body that comes in one piece', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Content-Length: 7')}{"a":1}`)
    expect(await next()).toBe('{"a":1}')
  })

  it('reads an empty body, with and without a length', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(head('Content-Length: 0'))
    expect(await next()).toBe('')
    socket.write(head('X: y'))
    expect(await next()).toBe('')
  })

  it('joins pieces that split characters', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    const bytes = Buffer.from('{"a":"世界"}')
    socket.write(head(`Content-Length: ${bytes.length}`))
    socket.setNoDelay(true)
    for (const byte of bytes) {
      socket.write(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await next()).toBe('{"a":"世界"}')
  })

  it('reads a chunked body of many small pieces', async () => {
    const { port, next } = await rig({ maxBytes: 50_000, timeoutMs: 10_000 })
    const socket = await open(port)
    socket.write(`${head('Transfer-Encoding: chunked')}${'1\r\nx\r\n'.repeat(50_000)}0\r\n\r\n`)
    expect(await next()).toBe('x'.repeat(50_000))
  })

  it('serves the next request on the same connection', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Content-Length: 1')}1${head('Content-Length: 1')}2`)
    expect(await next()).toBe('1')
    expect(await next()).toBe('2')
  })

  it('refuses an announced length before a byte of it has come', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(head('Content-Length: 1001'))
    expect(await next()).toMatchObject({ status: 413, code: -32600 })
    expect(await answer(socket)).toContain('HTTP/1.1 413')
  })

  it('takes a body of exactly the limit, and one byte more not', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Transfer-Encoding: chunked')}3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\n`)
    expect(await next()).toBe('x'.repeat(1000))
    await answer(socket)
    socket.write(`${head('Transfer-Encoding: chunked')}3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`)
    expect(await next()).toMatchObject({ status: 413 })
    expect(await answer(socket)).toContain('HTTP/1.1 413')
  })

  it('lets a client finish that has sent too much, and keeps its connection', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Content-Length: 500000')}${'x'.repeat(500_000)}`)
    expect(await next()).toMatchObject({ status: 413 })
    expect(await answer(socket)).toContain('HTTP/1.1 413')
    socket.write(`${head('Content-Length: 2')}ok`)
    expect(await next()).toBe('ok')
  })

  it('answers a client that never stops, reads no further, and cuts it off', async () => {
    const { port, next } = await rig({ maxBytes: 1000, timeoutMs: 300 })
    const socket = await open(port)
    const gone = new Promise((resolve) => socket.once('close', resolve))
    const received = answer(socket)
    socket.write(head('Transfer-Encoding: chunked'))
    const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`
    let sent = 0
    const pump = (): void => {
      while (!socket.destroyed && sent < 500 * 65_536) {
        sent += 65_536
        if (!socket.write(piece)) {
          socket.once('drain', pump)
          return
        }
      }
    }
    pump()
    expect(await next()).toMatchObject({ status: 413 })
    expect(await received).toContain('HTTP/1.1 413')
    await gone
    expect(sent).toBeLessThan(500 * 65_536)
  })

  it('answers a slow body with 408, and ends the connection', async () => {
    // Taken on the server, right before it reads, so that no pause of the machine can make the time look shorter.
    let began = Number.POSITIVE_INFINITY
    const { port, next } = await rig({ maxBytes: 1000, timeoutMs: 50 }, async () => {
      began = performance.now()
    })
    const socket = await open(port)
    const closed = once(socket, 'end')
    socket.write(`${head('Content-Length: 10')}123`)
    expect(await next()).toMatchObject({ status: 408, code: -32600, headers: { connection: 'close' } })
    expect(performance.now() - began).toBeGreaterThanOrEqual(50)
    expect(await answer(socket)).toContain('HTTP/1.1 408')
    await closed
  })

  it('counts the time from the start, however often a byte comes', async () => {
    const { port, next } = await rig({ maxBytes: 1000, timeoutMs: 100 })
    const socket = await open(port)
    socket.write(head('Content-Length: 900'))
    const dripping = setInterval(() => socket.write('x'), 10)
    expect(await next()).toMatchObject({ status: 408 })
    clearInterval(dripping)
  })

  it('says nothing to a client that has gone', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Content-Length: 10')}123`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.destroy()
    expect(await next()).toBeUndefined()
  })

  it.each(['gzip', 'deflate', 'br', 'GZIP', 'gzip, identity', 'identity, identity', 'x'])(
    'refuses Content-Encoding %s',
    async (encoding) => {
      const { port, next } = await rig()
      const socket = await open(port)
      socket.write(`${head(`Content-Encoding: ${encoding}\r\nContent-Length: 2`)}{}`)
      expect(await next()).toMatchObject({ status: 415, headers: { 'accept-encoding': 'identity' } })
      expect(await answer(socket)).toContain('HTTP/1.1 415')
    },
  )

  it('takes the identity encoding', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Content-Encoding: Identity\r\nContent-Length: 2')}{}`)
    expect(await next()).toBe('{}')
  })

  it.each<[string, number[]]>([
    ['a stray continuation', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['a cut character', [0x22, 0xe4, 0xb8]],
    ['Latin-1', [0x22, 0xe9, 0x22]],
  ])('refuses %s as no UTF-8', async (_, bytes) => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(head(`Content-Length: ${bytes.length}`))
    socket.write(Buffer.from(bytes))
    expect(await next()).toMatchObject({ status: 400, code: -32700 })
  })

  it('leaves a byte order mark for the parser to refuse', async () => {
    const { port, next } = await rig()
    const socket = await open(port)
    socket.write(`${head('Content-Length: 5')}\ufeff{}`)
    expect(await next()).toBe('\ufeff{}')
  })

  it('says so when a body parser was there first', async () => {
    const { port, next } = await rig(undefined, async (req) => {
      for await (const _ of req.iterator({ destroyOnReturn: false }));
    })
    const socket = await open(port)
    socket.write(`${head('Content-Length: 2')}{}`)
    expect(await next()).toMatchObject({ status: 500, code: -32603 })
  })

  it('takes text from a stream whose encoding somebody has set', async () => {
    const { port, next } = await rig(undefined, async (req) => void req.setEncoding('utf8'))
    const socket = await open(port)
    socket.write(`${head('Content-Length: 5')}"世"`)
    expect(await next()).toBe('"世"')
  })
})

describe('discard', () => {
  it('lets the body of a refused request run out', async () => {
    const reader = createBodyReader({ maxBytes: 10, timeoutMs: 10_000 })
    const server = createServer((req, res) => {
      reader.discard(req)
      res.writeHead(403, { 'content-length': 2 }).end('no')
    })
    closing.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = await open((server.address() as AddressInfo).port)
    for (let round = 0; round < 3; round += 1) {
      socket.write(`${head('Content-Length: 300000')}${'x'.repeat(300_000)}`)
      expect(await answer(socket)).toContain('HTTP/1.1 403')
    }
  })

  it('ends a connection whose body does not end', async () => {
    const reader = createBodyReader({ maxBytes: 10, timeoutMs: 30 })
    const server = createServer((req, res) => {
      reader.discard(req)
      res.writeHead(403, { 'content-length': 2 }).end('no')
    })
    closing.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = await open((server.address() as AddressInfo).port)
    const gone = new Promise((resolve) => socket.once('close', resolve))
    socket.write(`${head('Content-Length: 300000')}x`)
    expect(await answer(socket)).toContain('HTTP/1.1 403')
    await gone
  })
})

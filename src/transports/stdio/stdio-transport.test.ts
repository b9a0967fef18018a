import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Connectable, ConnectOptions } from '../../engine/connection.js'
import { openStdioTransport } from './stdio-transport.js'

/** Answers each frame with what `answer` makes of it, in a later microtask, and keeps what it saw. */
function answering(answer: (text: string) => string) {
  const seen: string[] = []
  let closed = false
  let inFlight = 0
  const server: Connectable = {
    connect({ send }: ConnectOptions) {
      return {
        get inFlight() {
          return inFlight
        },
        receive(text) {
          seen.push(text)
          inFlight += 1
          void Promise.resolve().then(() => {
            inFlight -= 1
            if (!closed) void send(answer(text))
          })
        },
        unreadable: (reason) => send(`!${reason}`),
        drain: async () => {
          while (inFlight > 0) await Promise.resolve()
          return 0
        },
        close() {
          closed = true
        },
      }
    },
  }
  return { server, seen, isClosed: () => closed }
}

function text(stream: PassThrough, until: string): Promise<string> {
  return new Promise((resolve) => {
    let all = ''
    stream.on('data', (chunk: Buffer) => {
      all += chunk.toString()
      if (all.includes(until)) resolve(all)
    })
  })
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('openStdioTransport', () => {
  it('writes each answer as one line and ends when the input does', async () => {
    const { server, isClosed } = answering((frame) => frame.toUpperCase())
    const input = new PassThrough()
    const output = new PassThrough()
    const transport = openStdioTransport(server, { input, output })
    const read = text(output, 'C\n')
    input.write('a\nb')
    input.end('\r\n\nc')
    expect(await read).toBe('A\nB\nC\n')
    expect(await transport.closed).toEqual({ reason: 'input ended', aborted: 0, flushed: true })
    expect(isClosed()).toBe(true)
    expect(transport.stats()).toMatchObject({ received: 3, sent: 3, unreadable: 0 })
  })

  it('stops reading while the output is full and goes on after it drained', async () => {
    const answer = 'x'.repeat(1000)
    const { server, seen } = answering(() => answer)
    const input = new PassThrough()
    const output = new PassThrough({ highWaterMark: 4096 })
    const transport = openStdioTransport(server, { input, output })
    const total = 5000
    for (let n = 0; n < total; n += 1) input.write(`${n}\n`)
    for (let n = 0; n < 200; n += 1) await turn()
    expect(seen.length).toBeLessThan(300)
    expect(output.writableLength).toBeLessThan(300 * 1001)
    output.resume()
    input.end()
    expect(await transport.closed).toMatchObject({ reason: 'input ended', flushed: true })
    expect(seen).toHaveLength(total)
  })

  it('cuts a connection whose answers nobody reads at the stated limit', async () => {
    const { server, isClosed } = answering(() => 'x'.repeat(1000))
    const input = new PassThrough()
    const output = new PassThrough({ highWaterMark: 4096 })
    const transport = openStdioTransport(server, { input, output, maxQueued: 20_000 })
    input.write('q\n'.repeat(200))
    expect(await transport.closed).toMatchObject({ reason: 'output full', flushed: false })
    expect(transport.stats().queued).toBeLessThan(22_000)
    expect(isClosed()).toBe(true)
  })

  it('tells the server of frames it could not read', async () => {
    const { server } = answering((frame) => frame)
    const input = new PassThrough()
    const output = new PassThrough()
    const transport = openStdioTransport(server, { input, output, maxMessageBytes: 10 })
    const read = text(output, 'end\n')
    input.write(`${'x'.repeat(11)}\n`)
    input.write(Buffer.from([0xff, 0x0a]))
    input.write('end\n')
    expect(await read).toBe('!too long\n!not UTF-8\nend\n')
    expect(transport.stats().unreadable).toBe(2)
    expect(await transport.stop()).toMatchObject({ reason: 'stopped', flushed: true })
  })

  it('ends when the output goes away, and names what is more than a closed reader', async () => {
    const quiet = answering((frame) => frame)
    const closedOutput = new PassThrough()
    const first = openStdioTransport(quiet.server, { input: new PassThrough(), output: closedOutput })
    closedOutput.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    expect(await first.closed).toEqual({ reason: 'output closed', aborted: 0, flushed: false })

    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const brokenOutput = new PassThrough()
    const second = openStdioTransport(answering((frame) => frame).server, {
      input: new PassThrough(),
      output: brokenOutput,
    })
    brokenOutput.destroy(full)
    expect(await second.closed).toMatchObject({ reason: 'output closed', error: full })
  })

  it('gives up on a reader that makes no progress', async () => {
    const { server } = answering(() => 'x'.repeat(1000))
    const input = new PassThrough()
    const output = new PassThrough({ highWaterMark: 100 })
    const transport = openStdioTransport(server, { input, output, stallMs: 20 })
    input.end('a\nb\nc\n')
    expect(await transport.closed).toMatchObject({ reason: 'input ended', flushed: false })
  })
})

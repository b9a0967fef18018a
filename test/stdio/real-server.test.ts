import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'

// The built library in a process of its own, from the first byte of stdin to the exit code: what a client meets.

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = fileURLToPath(new URL('../fixtures/stdio/real-server.mjs', import.meta.url))
/** How long an end may take beyond its grace or drain time, on a busy machine. */
const slackMs = 8000

const running = new Set<ChildProcessWithoutNullStreams>()

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/build.mjs', '--library'], { cwd: root, stdio: ['ignore', 2, 2] })
}, 180_000)

afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
})

interface Message {
  readonly id?: number
  readonly result?: {
    readonly isError?: boolean
    readonly content: readonly { readonly text: string }[]
    readonly _meta?: Readonly<Record<string, { readonly code?: string }>>
  }
}

interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

interface Program {
  readonly child: ChildProcessWithoutNullStreams
  /** Every line of stdout, read as JSON; a stray one is a rejection of `answer`. */
  readonly messages: readonly Message[]
  /** Lines of stdout that are no JSON. */
  readonly strays: readonly string[]
  readonly exited: Promise<Exit>
  stderr(): string
  /** Calls a tool and returns the id of the request. */
  call(name: string): number
  answer(id: number): Promise<Message>
  /** Resolves with stderr once the text is in it. */
  said(text: string): Promise<string>
}

function start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Program {
  const { PORT: _, ...inherited } = process.env
  const child = spawn(process.execPath, [program, ...args], { env: { ...inherited, ...env } })
  running.add(child)
  const messages: Message[] = []
  const strays: string[] = []
  let stderr = ''
  let lastId = 0
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const check of [...waiting]) check()
  }
  child.stdin.on('error', () => undefined)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    wake()
  })
  createInterface(child.stdout).on('line', (line) => {
    try {
      messages.push(JSON.parse(line) as Message)
    } catch {
      strays.push(line)
    }
    wake()
  })
  let over = false
  const exited = once(child, 'close').then(([code, signal]): Exit => {
    over = true
    wake()
    return { code: code as number | null, signal: signal as string | null }
  })

  function until<Found>(what: string, find: () => Found | undefined): Promise<Found> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = find()
        if (found === undefined && !over) return
        waiting.delete(check)
        if (found !== undefined) resolve(found)
        else reject(new Error(`The process ended without ${what}; it had said: ${stderr}`))
      }
      waiting.add(check)
      check()
    })
  }

  return {
    child,
    messages,
    strays,
    exited,
    stderr: () => stderr,
    call(name) {
      lastId += 1
      const params = { name, arguments: {}, _meta: envelope }
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: lastId, method: 'tools/call', params })}\n`)
      return lastId
    },
    answer: (id) => until(`an answer to ${id}`, () => messages.find((message) => message.id === id)),
    said: (text) => until(`"${text}"`, () => (stderr.includes(text) ? stderr : undefined)),
  }
}

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

const clean: Exit = { code: 0, signal: null }
const shuttingDown = { isError: true, _meta: { 'dev.holdfast/error': { code: 'shutting_down' } } }

/** How long `work` takes from now, in milliseconds. */
async function timed(work: Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work
  return performance.now() - from
}

describe.each([
  ['stdio', []],
  ['stdio, isolated', ['--isolate-stdout']],
] as const)('%s', (_, flags) => {
  it('answers a stuck call soon after stdin has ended, and exits with 0', async () => {
    const server = start(flags)
    const id = server.call('stuck')
    await server.said('STUCK')
    server.child.stdin.end()
    // The grace time is a second.
    expect(await timed(server.exited)).toBeLessThan(1000 + slackMs)
    expect(await server.exited).toEqual(clean)
    expect((await server.answer(id)).result).toMatchObject(shuttingDown)
    expect(server.messages).toHaveLength(1)
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('lets a call finish after %s, and exits with 0', async (signal) => {
    const server = start(flags)
    const id = server.call('finish-on-signal')
    await server.said('WAITING')
    server.child.kill(signal)
    expect((await server.answer(id)).result?.content[0]?.text).toBe('finished')
    expect(await server.exited).toEqual(clean)
  })

  it('answers a stuck call when the drain time after SIGTERM is over, and exits with 0', async () => {
    const server = start(flags, { DRAIN_MS: '300' })
    const id = server.call('stuck')
    await server.said('STUCK')
    server.child.kill('SIGTERM')
    expect(await timed(server.exited)).toBeLessThan(300 + slackMs)
    expect(await server.exited).toEqual(clean)
    expect((await server.answer(id)).result).toMatchObject(shuttingDown)
  })

  it('takes a stray console.log to stderr, and keeps stdout clean', async () => {
    const server = start(flags)
    const first = await server.answer(server.call('print'))
    const second = await server.answer(server.call('print'))
    expect([first, second].map(({ result }) => result?.content[0]?.text)).toEqual(['printed', 'printed'])
    server.child.stdin.end()
    expect(await server.exited).toEqual(clean)
    expect(server.strays).toEqual([])
    expect(server.messages).toHaveLength(2)
    expect(server.stderr().split('STRAY from the tool')).toHaveLength(3)
  })

  it.each(['end', 'SIGTERM'] as const)(
    'gives a slow reader 5 MB whole, also when it is to end (%s)',
    async (how) => {
      const server = start(flags)
      server.child.stdout.pause()
      const id = server.call('big')
      await once(server.child.stdout, 'readable')
      if (how === 'end') server.child.stdin.end()
      else server.child.kill('SIGTERM')
      server.child.stdout.on('data', () => {
        server.child.stdout.pause()
        setTimeout(() => server.child.stdout.resume(), 2)
      })
      expect(await server.exited).toEqual(clean)
      const text = (await server.answer(id)).result?.content[0]?.text
      expect(text === 'é'.repeat(2_500_000)).toBe(true)
    },
  )

  it('exits with 0 soon after stdin has ended when nothing runs', async () => {
    const server = start(flags)
    await server.answer(server.call('print'))
    server.child.stdin.end()
    expect(await timed(server.exited)).toBeLessThan(slackMs)
    expect(await server.exited).toEqual(clean)
  })
})

describe('stdio', () => {
  it('lets a call finish that finishes within the grace time after stdin has ended', async () => {
    const server = start()
    const id = server.call('finish-on-end')
    await server.said('WAITING')
    server.child.stdin.end()
    expect((await server.answer(id)).result?.content[0]?.text).toBe('finished')
    expect(await server.exited).toEqual(clean)
  })

  it('warns once of a stray console.log, and names the place', async () => {
    const server = start()
    await server.answer(server.call('print'))
    await server.answer(server.call('print'))
    server.child.stdin.end()
    await server.exited
    const warnings = server.stderr().match(/stdout carries the protocol.*/g)
    expect(warnings).toHaveLength(1)
    expect(warnings?.[0]).toMatch(/fixtures\/stdio\/real-server\.mjs:\d+ /)
  })
})

describe('HTTP', () => {
  /** Calls a tool over HTTP and gives the answer's message. */
  async function post(url: string, name: string): Promise<Message> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': name,
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name, arguments: {}, _meta: envelope },
      }),
    })
    expect(response.status).toBe(200)
    return (await response.json()) as Message
  }

  async function listen(env: Readonly<Record<string, string>> = {}): Promise<Program & { url: string }> {
    const server = start(['--port', '0'], env)
    const url = /listening on (\S+)/.exec(await server.said('listening on '))?.[1] ?? ''
    return { ...server, url }
  }

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'lets a call finish after %s, refuses new ones, exits with 0',
    async (signal) => {
      const server = await listen()
      const answer = post(server.url, 'finish-on-signal')
      await server.said('WAITING')
      server.child.kill(signal)
      expect((await answer).result?.content[0]?.text).toBe('finished')
      expect(await server.exited).toEqual(clean)
      await expect(fetch(server.url)).rejects.toThrow()
    },
  )

  it('answers a stuck call when the drain time after SIGINT is over, and exits with 0', async () => {
    const server = await listen({ DRAIN_MS: '300' })
    const answer = post(server.url, 'stuck')
    await server.said('STUCK')
    server.child.kill('SIGINT')
    expect((await answer).result).toMatchObject(shuttingDown)
    expect(await timed(server.exited)).toBeLessThan(slackMs)
    expect(await server.exited).toEqual(clean)
  })
})

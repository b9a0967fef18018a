import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type CellClient, featureCells, featuresProgram } from './feature-cells.js'
import type { ClientAnswers } from './feature-client.js'
import { endAll, type RunningProgram, run } from './running-program.js'
import { ownStateHome } from './state-home.js'

let removeState: () => Promise<void>
beforeAll(async () => {
  removeState = await ownStateHome()
})
afterAll(() => removeState())

/** A server in a process of its own that can be killed, and started again on the same port. */
class KillableServer {
  readonly #env: Record<string, string>
  #program: RunningProgram
  url = ''

  private constructor(env: Record<string, string>) {
    this.#env = env
    this.#program = run([featuresProgram, '--port', '0'], env)
  }

  static async start(env: Record<string, string> = {}): Promise<KillableServer> {
    const server = new KillableServer(env)
    server.url = await server.#listening()
    return server
  }

  get pid(): number | undefined {
    return this.#program.child.pid
  }

  async restart(env: Record<string, string> = this.#env): Promise<void> {
    this.#program.child.kill('SIGKILL')
    expect(await this.#program.ended).toMatchObject({ signal: 'SIGKILL' })
    this.#program = run([featuresProgram, '--port', new URL(this.url).port], env)
    expect(await this.#listening()).toBe(this.url)
  }

  async #listening(): Promise<string> {
    const said = await this.#program.said(/listening on \S+\n/)
    return /listening on (\S+)\n/.exec(said)?.[1] ?? ''
  }
}

const clients: CellClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await endAll()
})

const configured = { KEYS: 'a key that is longer than 32 characters' }
const answers: ClientAnswers = { elicit: () => ({ action: 'accept', content: { name: 'Ada' } }) }
const names = [
  'v1, http, 2024-11-05',
  'v1, http, 2025-11-25',
  'v2 legacy, http, 2025-11-25',
  'v2 pinned, http, 2026-07-28',
]
const cells = featureCells.filter(({ name }) => names.includes(name))

describe.each(cells)('$name', ({ connect, modern, revision }) => {
  async function connected(server: KillableServer, use = answers): Promise<CellClient> {
    const client = await connect(server.url, { answers: use })
    clients.push(client)
    await client.listening()
    return client
  }
  const pidOf = async (client: CellClient): Promise<number> => Number((await client.call('pid')).text)

  it.each([
    ['that was configured', configured],
    ['that is kept in the state directory', {}],
  ])('goes on after the server was killed, by a key %s', async (_which, env) => {
    const server = await KillableServer.start(env)
    const client = await connected(server)
    const before = server.pid
    expect(await pidOf(client)).toBe(before)
    const { sessionId } = client
    expect(typeof sessionId).toBe(modern ? 'undefined' : 'string')
    await server.restart()
    const from = client.http?.requests.items.length
    expect(server.pid).not.toBe(before)
    expect(await pidOf(client)).toBe(server.pid)
    // What was negotiated is known to the new process too.
    if (revision >= '2025-06-18') expect((await client.call('ask-name')).text).toBe('Hello, Ada')
    const since = client.http?.requests.items.slice(from) ?? []
    const posts = since.filter(({ method }) => method === 'POST')
    expect(posts.length).toBeGreaterThan(0)
    expect(posts.every((post) => post.status < 300 && post.sessionId === sessionId)).toBe(true)
    expect(posts.flatMap(({ messages }) => messages)).not.toContain('initialize')
    expect(posts.flatMap(({ messages }) => messages)).not.toContain('server/discover')
  })

  if (modern) {
    it('answers the new process what the old one asked', async () => {
      const server = await KillableServer.start()
      const client = await connected(server, {
        async elicit() {
          await server.restart()
          return { action: 'accept', content: { name: 'Ada' } }
        },
      })
      expect((await client.call('ask-name')).text).toBe('Hello, Ada')
    })
    return
  }

  it('hears of changes again by itself', async () => {
    const server = await KillableServer.start()
    const client = await connected(server)
    const from = client.http?.requests.items.length
    await server.restart()
    await client.http?.requests.until(({ method, status }) => method === 'GET' && status === 200, from)
    await client.call('change', { what: 'tools' })
    await client.heard.until(({ method }) => method === 'notifications/tools/list_changed')
  })

  it('is told that its session is gone when the key is another', async () => {
    const server = await KillableServer.start(configured)
    const client = await connected(server)
    await server.restart({ KEYS: 'another one that is longer than 32 characters' })
    await expect(client.call('pid')).rejects.toThrow(/session .*initialize/)
    const last = client.http?.requests.items.findLast(({ method }) => method === 'POST')
    expect(last?.status).toBe(404)
  })
})

import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll, run } from '../clients/running-program.js'
import type { Round } from './support.js'

// A rejection that nobody hears ends a Node process, so each of these has a process of its own.

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = 'test/fixtures/stdio/asking-server.mjs'

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/build.mjs', '--library'], { cwd: root, stdio: ['ignore', 2, 2] })
}, 180_000)

afterEach(endAll)

interface Answer {
  readonly result: Round & { readonly taskId?: string; readonly status?: string }
}

const prefix = 'io.modelcontextprotocol'
const capabilities = { elicitation: {}, extensions: { [`${prefix}/tasks`]: {} } }

/** A program whose end fails no write of ours. */
function started(args: readonly string[]) {
  const child = run([program, ...args])
  child.child.stdin.on('error', () => undefined)
  return child
}

/** A program, spoken to as its client of 2026-07-28. */
function stateless(args: readonly string[] = [], declared: object = { elicitation: {} }) {
  const child = started(args)
  const _meta = { [`${prefix}/protocolVersion`]: '2026-07-28', [`${prefix}/clientCapabilities`]: declared }
  let last = 0
  function request(method: string, params: object): Promise<Answer> {
    last += 1
    child.send({ id: last, method, params: { ...params, _meta } })
    return child.answer(last) as Promise<Answer>
  }
  return {
    child,
    request,
    call: (name: string): Promise<Answer> => request('tools/call', { name, arguments: {} }),
  }
}

/** A program, spoken to as its client of 2025-11-25. */
async function handshake() {
  const child = started([])
  const pattern = /\{"jsonrpc":"2\.0","id":"([^"]+)","method":"elicitation\/create"/
  const questionId = new Promise<string>((resolve) => {
    let stdout = ''
    child.child.stdout.on('data', (text: string) => {
      stdout += text
      const [, id] = pattern.exec(stdout) ?? []
      if (id !== undefined) resolve(id)
    })
  })
  const clientInfo = { name: 'careless', version: '0' }
  const params = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo }
  child.send({ id: 0, method: 'initialize', params })
  await child.answer(0)
  child.send({ method: 'notifications/initialized' })
  let last = 0
  return {
    child,
    /** The id of the question that the program has put to its client. */
    questionId,
    call(name: string): Promise<Answer> {
      last += 1
      child.send({ id: last, method: 'tools/call', params: { name, arguments: {} } })
      return child.answer(last) as Promise<Answer>
    },
  }
}

describe('2026-07-28, under serve()', () => {
  it.each(['float', 'drop', 'drop-late'])(
    'a question that nobody waits for does not end the process: %s',
    async (name) => {
      const client = stateless()
      const { result } = await client.call(name)
      expect(result.resultType).toBe(name === 'drop-late' ? 'complete' : 'input_required')
      await client.call('pid')
      const pid = await client.call('pid')
      expect(pid.result.content).toEqual([{ type: 'text', text: String(client.child.child.pid) }])
    },
  )

  it('anything else that nobody hears ends the process, as it would have', async () => {
    const { child, call } = stateless()
    void call('break').catch(() => undefined)
    const ended = await child.ended
    expect([ended.code, ended.signal]).toEqual([1, null])
    expect(ended.stderr).toContain('A mistake of the author.')
  })

  it('a handler that asks again and again in one run does not stop the process from answering', async () => {
    const client = stateless()
    const { result } = await answeredIn(3000, client.call('insist'))
    expect(result.resultType).toBe('input_required')
    await answeredIn(3000, client.call('pid'))
  })

  it('a question that nobody waits for does not end the process when its task ends', async () => {
    const client = stateless([], capabilities)
    const { result } = await client.call('float')
    expect(result.resultType).toBe('task')
    const { taskId } = result
    for (;;) {
      const { result: task } = await client.request('tasks/get', { taskId })
      if (task.status === 'completed') break
    }
    await client.call('pid')
  })
})

describe('2026-07-28, mounted in a program of its own', () => {
  it('a question of a dropped function is left to the process that it is in', async () => {
    const { child, call } = stateless(['--mounted'])
    void call('drop').catch(() => undefined)
    const ended = await child.ended
    expect([ended.code, ended.signal]).toEqual([1, null])
  })
})

describe('2025-11-25, under serve()', () => {
  it.each(['float', 'drop', 'wait-later'])(
    'a client that answers with an error does not end the process: %s',
    async (name) => {
      const { child, call, questionId } = await handshake()
      const answer = call(name)
      answer.catch(() => undefined)
      const id = await questionId
      child.send({ id, error: { code: -1, message: 'No.' } })
      await answer
      // Two, because one may be answered in the very turn in which the process ends.
      await call('pid')
      await call('pid')
    },
  )

  it('a client that cancels while a question waits does not end the process', async () => {
    const { child, call, questionId } = await handshake()
    call('wait-later').catch(() => undefined)
    await questionId
    child.send({ method: 'notifications/cancelled', params: { requestId: 1 } })
    await call('pid')
    await call('pid')
  })
})

/** A process that does nothing else never answers; then this says so. */
async function answeredIn<Value>(ms: number, work: Promise<Value>): Promise<Value> {
  const late = sleep(ms, undefined, { ref: false }).then(() => {
    throw new Error(`The process did not answer within ${ms} ms.`)
  })
  return Promise.race([work, late])
}

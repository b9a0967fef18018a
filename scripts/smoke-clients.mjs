// Two clients small enough to read: they ask a server process for its tools and call one, over stdio and HTTP.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

const LIMIT_MS = 20_000
const REVISION = '2025-11-25'
const INITIALIZE = {
  method: 'initialize',
  params: { protocolVersion: REVISION, capabilities: {}, clientInfo: { name: 'smoke', version: '1.0.0' } },
}

function start(file, args, cwd) {
  const child = spawn(process.execPath, [file, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  const ended = once(child, 'exit').then(([code, signal]) => {
    clearTimeout(timer)
    return { code, signal, errors }
  })
  return { child, ended, errors: () => errors }
}

/**
 * Initializes, lists the tools and makes the calls over stdio, then closes stdin.
 * @param {{ name: string, arguments: object }[]} calls
 * @returns {Promise<{ tools: string[], results: object[] }>}
 * @throws {Error} when an answer is missing, stdout holds anything but JSON-RPC, or the exit code is not 0
 */
export async function overStdio(file, cwd, calls) {
  const { child, ended } = start(file, ['--stdio'], cwd)
  const requests = [
    INITIALIZE,
    { method: 'tools/list', params: {} },
    ...calls.map((call) => ({ method: 'tools/call', params: call })),
  ]
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answers = []
  for (const [id, request] of requests.entries()) {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...request })}\n`)
    const { value, done } = await lines.next()
    if (done)
      throw new Error(`the server ended before it answered ${request.method}: ${(await ended).errors}`)
    const answer = JSON.parse(value)
    if (answer.id !== id || answer.result === undefined)
      throw new Error(`${request.method} answered ${value}`)
    answers.push(answer.result)
    if (id === 0) child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
  }
  child.stdin.end()
  const { code, signal, errors } = await ended
  if (code !== 0) throw new Error(`the server ended with ${signal ?? code}: ${errors}`)
  return { tools: answers[1].tools.map(({ name }) => name), results: answers.slice(2) }
}

/** The same over HTTP; the server is ended with SIGTERM. */
export async function overHttp(file, cwd, calls) {
  const port = await freePort()
  const { child, ended, errors } = start(file, ['--port', String(port)], cwd)
  const url = `http://127.0.0.1:${port}/mcp`
  try {
    const opening = await untilAnswered(() => post(url, 0, INITIALIZE), child, errors)
    const session = opening.headers.get('mcp-session-id')
    const headers = { 'mcp-protocol-version': REVISION, ...(session && { 'mcp-session-id': session }) }
    const results = []
    const requests = [
      { method: 'tools/list', params: {} },
      ...calls.map((call) => ({ method: 'tools/call', params: call })),
    ]
    for (const [index, request] of requests.entries()) {
      const response = await post(url, index + 1, request, headers)
      const answer = await response.json()
      if (answer.result === undefined) throw new Error(`${request.method} answered ${JSON.stringify(answer)}`)
      results.push(answer.result)
    }
    return { tools: results[0].tools.map(({ name }) => name), results: results.slice(1) }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

function post(url, id, request, headers = {}) {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, ...request }),
  })
}

async function untilAnswered(ask, child, errors) {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the server ended before it listened: ${errors()}`, { cause: error })
      }
      await sleep(50)
    }
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address()
  probe.close()
  await once(probe, 'close')
  return port
}

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startCsvHost } from '../test/csv-host.js'

// The built program: `npm test` builds before it tests.
const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
let directory: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'data-desk-main-'))
  await writeFile(join(directory, 'order.csv'), 'a,b\n1,x\n')
})
afterAll(() => rm(directory, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(...args: string[]): { child: ChildProcessWithoutNullStreams; ended: Promise<Ended> } {
  const { PORT: _, DATABASE_URL: __, ...env } = process.env
  const child = spawn(process.execPath, [program, ...args], { env })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }))
  return { child, ended }
}

describe('the program', () => {
  it('says one sentence and ends with 1 on a mistake', async () => {
    for (const args of [['--bogus'], ['--port', 'x'], ['--data', join(directory, 'none')]]) {
      const { code, stdout, stderr } = await start(...args).ended
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^[^\n]+\.\n$/)
    }
  })

  it('says that the port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await start('--data', directory, '--port', String(port)).ended
    other.close()
    expect(code).toBe(1)
    expect(stderr.trim().split('\n').at(-1)).toMatch(new RegExp(`^Port ${port} .*taken.*\\.$`))
    expect(stderr).not.toContain('at ')
  })

  it('serves HTTP, and the call it prints works', async () => {
    const { child, ended } = start('--data', directory, '--port', '0')
    let said = ''
    for await (const text of child.stderr) {
      said += String(text)
      if (said.includes('Ctrl+C')) break
    }
    const command = said.slice(said.indexOf('curl -sS'), said.indexOf('Ctrl+C')).trim()
    const url = /curl -sS (\S+)/.exec(command)?.[1] ?? ''
    const headers = [...command.matchAll(/-H '([^:]+): ([^']+)'/g)].map(
      ([, name, value]): [string, string] => [name ?? '', value ?? ''],
    )
    const body = /-d '([\s\S]*)'$/.exec(command)?.[1] ?? ''
    const answer = await fetch(url, { method: 'POST', headers, body })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ result: { structuredContent: { rows: [{ a: 1, b: 'x' }] } } })
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
  })

  it('asks for tokens with --auth, and the two that it prints see what they should', async () => {
    await writeFile(join(directory, 'people.csv'), 'name\nAda\n')
    const { child, ended } = start('--data', directory, '--port', '0', '--auth')
    let said = ''
    for await (const text of child.stderr) {
      said += String(text)
      if (said.includes('Ctrl+C')) break
    }
    await rm(join(directory, 'people.csv'))
    const url = /ready at (\S+)/.exec(said)?.[1] ?? ''
    const token = (who: string): string =>
      new RegExp(`^token \\(${who}\\): (\\S+)$`, 'm').exec(said)?.[1] ?? ''
    const ask = async (authorization: string | undefined): Promise<readonly [number, string]> => {
      const answer = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2026-07-28',
          'mcp-method': 'tools/call',
          'mcp-name': 'query-dataset',
          ...(authorization !== undefined && { authorization }),
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: 'query-dataset',
            arguments: { sql: 'SELECT * FROM people' },
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      })
      return [answer.status, await answer.text()]
    }
    const [reader, people] = [await ask(`Bearer ${token('reader')}`), await ask(`Bearer ${token('people')}`)]
    expect((await ask(undefined))[0]).toBe(401)
    expect((await ask('Bearer forged'))[0]).toBe(401)
    expect([reader[0], people[0]]).toEqual([200, 200])
    expect(reader[1]).not.toContain('Ada')
    expect(people[1]).toContain('Ada')
    child.kill('SIGTERM')
    expect((await ended).code).toBe(0)
  })

  it('imports from a private address only when it was told to', async () => {
    const host = await startCsvHost()
    const opening = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    }
    const call = { name: 'import-csv', arguments: { url: host.url('n\n5\n'), name: 'five' } }
    const said = async (...args: string[]): Promise<string> => {
      const { child, ended } = start('--stdio', '--data', directory, ...args)
      const send = (id: number, method: string, params: object): boolean =>
        child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`)
      send(1, 'initialize', opening)
      send(2, 'tools/call', call)
      // The end of its input would end the import.
      child.stdout.on('data', (text: string) => {
        if (text.includes('"id":2')) child.stdin.end()
      })
      return (await ended).stdout
    }
    expect(await said()).toContain('url_not_allowed')
    expect(await said('--allow-fetch', host.address)).toContain('"rows":1')
    expect(host.requests).toHaveLength(1)
    await host.close()
  })

  it('serves stdio with nothing but JSON-RPC on stdout', async () => {
    const { child, ended } = start('--stdio', '--data', directory)
    const initialize = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    }
    const query = { name: 'query-dataset', arguments: { sql: 'SELECT * FROM "order"' } }
    const messages = [
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize },
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'tools/call', params: query },
    ]
    child.stdin.end(messages.map((message) => `${JSON.stringify(message)}\n`).join(''))
    const { code, stdout } = await ended
    expect(code).toBe(0)
    const answers = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: number })
    expect(answers.map(({ id }) => id)).toEqual([1, 2])
    expect(answers[1]).toMatchObject({ result: { structuredContent: { rows: [{ a: 1, b: 'x' }] } } })
  })
})

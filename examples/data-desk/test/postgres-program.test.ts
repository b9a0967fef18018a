import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, inject, it } from 'vitest'
import { smallData, testDatabases } from './desk-world.js'

const url = inject('databaseUrl')

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs one of the built programs to its end: `npm test` builds before it tests. */
async function run(
  program: 'main' | 'load',
  args: readonly string[],
  variables: Record<string, string>,
  input = '',
): Promise<Ended> {
  const { DATABASE_URL: _, DATABASE_URL_READERS: __, PORT: ___, ...env } = process.env
  const path = fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { env: { ...env, ...variables } })
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code: code as number | null, ...said }
}

describe('the programs without a database', () => {
  const nowhere = 'postgres://desk:secret@127.0.0.1:1/desk'

  it.each([
    ['load', [], {}, 'DATABASE_URL must say where'],
    ['load', ['--max-rows', '0'], { DATABASE_URL: nowhere }, '--max-rows must be a whole number from 1'],
    ['load', ['--bogus'], { DATABASE_URL: nowhere }, '--bogus'],
    ['load', [], { DATABASE_URL: nowhere }, 'cannot be reached (ECONNREFUSED)'],
    ['main', ['--stdio'], { DATABASE_URL: nowhere }, 'cannot be reached (ECONNREFUSED)'],
    ['main', ['--stdio'], { DATABASE_URL: 'here' }, 'DATABASE_URL must be an address'],
    ['main', ['--stdio', '--data', 'x'], { DATABASE_URL: nowhere }, 'data-desk:load'],
  ] as const)('end %s %j with one sentence', async (program, args, env, part) => {
    const { code, stdout, stderr } = await run(program, args, env)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(part)
    expect(stderr).toMatch(/^((?!secret)[^\n])+\n$/)
  })
})

if (url !== undefined) {
  describe('the programs with a database', () => {
    it('load it and serve it over stdio, and refuse tokens when the second one is missing', async () => {
      const data = await smallData()
      const databases = await testDatabases(url)
      const env = { DATABASE_URL: databases.all }
      try {
        const loaded = await run('load', ['--data', data, '--max-rows', '100', '--without-readers'], env)
        expect([loaded.code, loaded.stdout]).toEqual([0, ''])
        expect(loaded.stderr).toContain('loaded flights from flights.csv: 100 rows')
        const messages = [
          {
            id: 1,
            method: 'initialize',
            params: {
              protocolVersion: '2025-11-25',
              capabilities: {},
              clientInfo: { name: 'test', version: '1' },
            },
          },
          { method: 'notifications/initialized' },
          {
            id: 2,
            method: 'tools/call',
            params: { name: 'query-dataset', arguments: { sql: 'SELECT count(*) AS n FROM flights' } },
          },
        ]
        const input = messages
          .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
          .join('')
        const served = await run('main', ['--stdio'], env, input)
        expect(served.code).toBe(0)
        const answers = served.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as object)
        expect(answers[1]).toMatchObject({ result: { structuredContent: { rows: [{ n: 100 }] } } })
        const refused = await run('main', ['--stdio', '--auth'], env)
        expect(refused.code).toBe(1)
        expect(refused.stderr).toMatch(
          /There is no database [^\n]+without people; run "npm run data-desk:load"/,
        )
        expect(refused.stderr.trim().split('\n')).toHaveLength(1)
      } finally {
        await databases.drop()
        await rm(data, { recursive: true })
      }
    })
  })
}

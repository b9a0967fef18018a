import { connect } from 'node:net'
import { userInfo } from 'node:os'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL that tests may create roles and databases in; undefined when there is none. */
    databaseUrl: string | undefined
    redisUrl: string | undefined
  }
}

/** How long a store has for taking a connection. */
const PATIENCE_MS = 500

const stores = [
  { key: 'databaseUrl', variable: 'TEST_DATABASE_URL', usual: 'postgres://127.0.0.1:5432/test' },
  { key: 'redisUrl', variable: 'TEST_REDIS_URL', usual: 'redis://127.0.0.1:6379' },
] as const

/**
 * Tells the tests which stores they can reach: `inject('databaseUrl')` is undefined when there is no PostgreSQL, and
 * what needs one is then not registered. REQUIRE_STORES=1 makes a missing store a failure.
 */
export async function setup(project: TestProject): Promise<void> {
  const missing: string[] = []
  for (const { key, variable, usual } of stores) {
    const url = new URL(process.env[variable] || usual)
    // The driver knows no user when the environment names none.
    if (key === 'databaseUrl') url.username ||= userInfo().username
    const reachable = await accepts(url)
    project.provide(key, reachable ? url.href : undefined)
    if (!reachable) missing.push(`${variable} (${url.protocol}//${url.host})`)
  }
  if (missing.length === 0) return
  const sentence = `Tests that need a store are left out, because nothing answers at ${missing.join(' and ')}; start a server there, or set the variable to another.`
  if (process.env['REQUIRE_STORES'] === '1') throw new Error(sentence)
  process.stderr.write(`${sentence}\n`)
}

function accepts(url: URL): Promise<boolean> {
  const port = Number(url.port) || (url.protocol === 'redis:' ? 6379 : 5432)
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ''), port, timeout: PATIENCE_MS })
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })
}

import type { Principal, Server, ServerOptions, Store } from 'holdfast'
import { testServer } from '../protocol/support.js'

export const input = {
  type: 'object',
  properties: {
    id: { type: 'string', description: 'Which.' },
    deep: { type: 'object', description: 'More.' },
  },
} as const
export const readOnly = { readOnlyHint: true } as const
export const description = 'Reads.'

export function counting(options: Partial<ServerOptions> = {}): {
  server: Server<Readonly<Record<string, unknown>>>
  runs: string[]
} {
  const { server } = testServer(options)
  const runs: string[] = []
  server.tool(
    'read',
    { description, annotations: readOnly, input, cache: { ttl: '1m', tags: ({ id }) => [`order:${id}`] } },
    ({ id = '' }) => {
      runs.push(id)
      return { id, run: runs.length }
    },
  )
  return { server, runs }
}

/** A store of its own for several servers: what Redis is to a fleet. */
export function sharedStore(): Store & { readonly values: Map<string, string> } {
  const values = new Map<string, string>()
  return {
    values,
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, value),
    async setIfAbsent(key, value) {
      if (values.has(key)) return false
      values.set(key, value)
      return true
    },
    delete: async (key) => void values.delete(key),
  }
}

export const user = (subject: string): Principal => ({
  kind: 'user',
  issuer: 'i',
  subject,
  permissions: new Set(),
  claims: {},
})

/** Answers that are being made now. */
export function making(server: Server): number | undefined {
  return server.stats().bounded.find(({ name }) => name === 'answers that are being made')?.size
}

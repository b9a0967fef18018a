import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Principal, ServerOptions } from 'holdfast'
import { cells, type TestClient } from 'holdfast/testing'
import { expect, onTestFinished } from 'vitest'
import { testServer } from '../protocol/support.js'

const [cell] = cells({ transports: ['memory'], revisions: ['2026-07-28'] })
if (cell === undefined) throw new Error('There is no such cell.')
export const memory = cell

export interface Link {
  readonly type: string
  readonly uri: string
  readonly size: number
  readonly description: string
  readonly _meta: { readonly 'dev.holdfast/spill': { readonly expiresAt: string; readonly parts: number } }
}

export interface Part {
  readonly uri: string
  readonly mimeType: string
  readonly text?: string
  readonly blob?: string
  readonly _meta: {
    readonly 'dev.holdfast/spill': { readonly part: number; readonly parts: number; readonly next?: string }
  }
}

export function principal(subject: string): Principal {
  return { kind: 'user', issuer: 'https://idp.example', subject, permissions: new Set(), claims: {} }
}

export function place(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-spill-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A server with a tool that spills what it is told to. */
export function spillServer(options: Partial<ServerOptions> = {}): ReturnType<typeof testServer> {
  const made = testServer(options)
  made.server.tool(
    'export',
    {
      description: 'Exports.',
      input: {
        type: 'object',
        properties: { size: { type: 'integer', description: 'Bytes.' } },
        required: ['size'],
      } as const,
    },
    async ({ size }, ctx) => ctx.spill(lines(size), { name: 'lines.txt', description: 'Lines.' }),
  )
  return made
}

/** Lines of sixteen bytes. */
async function* lines(size: number): AsyncGenerator<string> {
  for (let at = 0; at < size; at += 16) yield `${String(at).padStart(15, '0')}\n`
}

export async function exported(client: TestClient, size = 64): Promise<Link> {
  const { content, isError } = await client.callTool('export', { size })
  expect({ isError, content }).toMatchObject({ content: [{ type: 'resource_link' }] })
  return content[0] as unknown as Link
}

export async function read(client: TestClient, uri: string): Promise<Part> {
  const { contents } = await client.request<{ contents: Part[] }>('resources/read', { uri })
  const [part] = contents
  if (part === undefined) throw new Error('Nothing was read.')
  return part
}

export function spilled(server: ReturnType<typeof testServer>['server']): Record<string, number> {
  const found = server.stats().bounded.filter(({ name }) => name.includes('spilled'))
  return Object.fromEntries(found.map(({ name, size }) => [name, size]))
}

export const nothing = { 'spilled results': 0, 'bytes of spilled results': 0 }

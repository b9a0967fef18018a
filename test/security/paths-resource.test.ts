import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from 'holdfast'
import { cells } from 'holdfast/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readInside } from '../../src/security/paths/read-inside.js'
import { open, refused, testServer, textOf } from '../protocol/support.js'

const secret = 'SECRET outside'
let base = ''
let root = ''

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-resource-')))
  root = join(base, 'data')
  await mkdir(join(root, 'docs'), { recursive: true })
  await writeFile(join(root, 'docs/a.txt'), 'a')
  await writeFile(join(root, 'docs/100%.txt'), 'percent')
  await writeFile(join(root, 'docs/café ☕.txt'), 'café')
  await writeFile(join(base, 'secret.txt'), secret)
  await symlink('../secret.txt', join(root, 'link.txt'))
  await symlink('..', join(root, 'up'))
})
afterAll(() => rm(base, { recursive: true, force: true }))

/** Files by template, twice, and by a tool; `seen` is what reaches a handler as a path. */
function fileServer(): {
  server: Server<Readonly<Record<string, unknown>>>
  seen: string[]
  logged: unknown[]
} {
  const { server, logged } = testServer()
  const seen: string[] = []
  const read = async (path: string): Promise<string> => {
    seen.push(path)
    return (await readInside(root, path)).toString()
  }
  const description = 'Files.'
  server.resource('files', { uriTemplate: 'file:///{+path}', description }, ({ params }) => read(params.path))
  server.resource('names', { uriTemplate: 'names://{name}', description }, ({ params }) => read(params.name))
  server.tool(
    'read-file',
    {
      description: 'Reads a file.',
      input: {
        type: 'object',
        properties: { path: { type: 'string', description: 'Where it is.' } },
        required: ['path'],
        additionalProperties: false,
      },
    },
    ({ path }) => read(path),
  )
  return { server, seen, logged }
}

/** What the template lets through, decoded once: the handler has to refuse it. */
const reaching: readonly (readonly [uri: string, path: string])[] = [
  ['file:////etc/passwd', '/etc/passwd'],
  ['file:///%2Fetc/passwd', '/etc/passwd'],
  ['file:///%2F%2Fserver/share', '//server/share'],
  ['file:///C:/Windows/win.ini', 'C:/Windows/win.ini'],
  ['file:///docs%5Ca.txt', 'docs\\a.txt'],
  ['file:///%5C%5Cserver%5Cshare', '\\\\server\\share'],
  ['file:///%252e%252e%252fsecret.txt', '%2e%2e%2fsecret.txt'],
  ['file:///..%252fsecret.txt', '..%2fsecret.txt'],
  ['file:///docs/a.txt%2500.png', 'docs/a.txt%00.png'],
  ['file:///%25c0%25ae%25c0%25ae/secret.txt', '%c0%ae%c0%ae/secret.txt'],
  ['file:///%EF%BC%8E%EF%BC%8E/secret.txt', '．．/secret.txt'],
  ['file:///..%EF%BC%8Fsecret.txt', '..／secret.txt'],
  ['file:///docs%0D%0Aa.txt', 'docs\r\na.txt'],
  ['file:///..%20/secret.txt', '.. /secret.txt'],
  ['file:///file%3A%2F%2F/etc/passwd', 'file:///etc/passwd'],
  ['file:///link.txt', 'link.txt'],
  ['file:///up/secret.txt', 'up/secret.txt'],
  ['names://%252e%252e%252fsecret.txt', '%2e%2e%2fsecret.txt'],
  ['names://C%3Asecret.txt', 'C:secret.txt'],
  ['names://NUL', 'NUL'],
  ['names://..%EF%BC%8Fsecret.txt', '..／secret.txt'],
  ['names://link.txt', 'link.txt'],
]

/** What the template refuses by itself: no handler hears of it. */
const stopped: readonly string[] = [
  'file:///../secret.txt',
  'file:///docs/../../secret.txt',
  'file:///%2e%2e/secret.txt',
  'file:///%2e%2e%2fsecret.txt',
  'file:///..%2fsecret.txt',
  'file:///..%5csecret.txt',
  'file:///docs/a.txt%00.png',
  'file:///%c0%ae%c0%ae/secret.txt',
  'file:///docs/%ff.txt',
  'names://..%2fsecret.txt',
  'names://..',
  'names://%2e%2e',
]

describe.each(cells())('$name: files as resources', (cell) => {
  it('gives the files inside by their names, encoded as a URI has them', async () => {
    const { server } = fileServer()
    const client = await open(cell, server)
    const text = async (uri: string): Promise<unknown> =>
      (await client.readResource(uri)).contents[0]?.['text']
    expect(await text('file:///docs/a.txt')).toBe('a')
    expect(await text('file:///docs/./a.txt')).toBe('a')
    expect(await text('file:///docs%2Fa.txt')).toBe('a')
    expect(await text('file:///docs/100%25.txt')).toBe('percent')
    expect(await text('file:///docs/caf%C3%A9%20%E2%98%95.txt')).toBe('café')
  })

  it('refuses in the handler what a template lets through', async () => {
    const { server, seen, logged } = fileServer()
    const client = await open(cell, server)
    for (const [uri, path] of reaching) {
      const error = await refused(client.readResource(uri))
      expect([uri, seen.pop()]).toEqual([uri, path])
      expect(JSON.stringify([error.message, error.data])).not.toMatch(/SECRET|holdfast-resource/)
    }
    expect(logged.filter((record) => JSON.stringify(record).includes('SECRET'))).toEqual([])
  })

  it('hears in no handler of what climbs once it is decoded', async () => {
    const { server, seen } = fileServer()
    const client = await open(cell, server)
    for (const uri of stopped) expect((await refused(client.readResource(uri))).data).toEqual({ uri })
    expect(seen).toEqual([])
  })

  it('tells a model which path a tool did not take, and nothing of the root', async () => {
    const { server } = fileServer()
    const client = await open(cell, server)
    for (const path of ['../secret.txt', 'up/secret.txt', 'link.txt', '/etc/passwd', '%2e%2e%2fsecret.txt']) {
      const result = await client.callTool('read-file', { path })
      expect(result).toMatchObject({
        isError: true,
        _meta: { 'dev.holdfast/error': { code: 'path_not_allowed' } },
      })
      expect(textOf(result)).toContain(`The path "${path}" `)
      expect(JSON.stringify(result)).not.toMatch(/SECRET|holdfast-resource/)
    }
    const missing = await client.callTool('read-file', { path: 'docs/nothing.txt' })
    expect(missing._meta).toMatchObject({ 'dev.holdfast/error': { code: 'path_not_found' } })
    expect(textOf(await client.callTool('read-file', { path: 'docs/100%.txt' }))).toBe('percent')
  })
})

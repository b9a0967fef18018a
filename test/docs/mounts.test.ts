import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as NodeServer,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readFences, root } from './fences.js'

interface Mounted {
  readonly url: string
  close(): Promise<void>
}

/** The parts of a framework that say where it listens. */
interface Listening {
  readonly listener: NodeServer
}

const version = '2026-07-28'
const fences = readFences()
const mounts = fences.filter(
  ({ code, page }) => page === 'docs/serving.md' && (/\.listen\(/.test(code) || /new Hono/.test(code)),
)

/** Port 0 instead of 3000, and what listens handed out; all else as the page has it. */
function runnable(code: string): string {
  return code
    .replaceAll('3000', '0')
    .replace(/^createHttpServer\(/m, 'export const listener = createHttpServer(')
    .replace(/^app\.listen\(/m, 'export const listener = app.listen(')
    .replace(/^await app\.listen\((.*)\)$/m, 'await app.listen($1)\nexport const listener = app.server')
}

async function mount(file: string): Promise<Mounted> {
  const made = (await import(/* @vite-ignore */ file)) as
    | Listening
    | { readonly app: { fetch(request: Request): Promise<Response> } }
  if ('app' in made) return serveFetch((request) => made.app.fetch(request))
  const { listener } = made
  if (!listener.listening) await once(listener, 'listening')
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`,
    close: async () => {
      listener.closeAllConnections()
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** A runtime with Request and Response has no port of its own here, so this gives it one. */
async function serveFetch(answer: (request: Request) => Promise<Response>): Promise<Mounted> {
  const respond = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const body = (await req.toArray()) as Uint8Array[]
    const response = await answer(
      new Request(`http://${req.headers.host}${req.url}`, {
        method: req.method ?? 'POST',
        headers: req.headers as Record<string, string>,
        body: Buffer.concat(body),
      }),
    )
    res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text())
  }
  const listener = createHttpServer((req, res) => {
    respond(req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    url: `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`,
    close: async () => {
      listener.closeAllConnections()
      listener.close()
      await once(listener, 'close')
    },
  }
}

describe('the mounts in docs/serving.md', () => {
  let folder: string
  beforeAll(() => {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    folder = mkdtempSync(join(root, '.tmp/mounts-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are four, and no block of JavaScript is anything else', () => {
    expect(mounts).toHaveLength(4)
    expect(fences.filter((fence) => fence.language === 'js' && !mounts.includes(fence))).toEqual([])
  })

  it.each(mounts)('answer a call: $name', async ({ code, language, line }) => {
    const file = join(folder, `mount-${line}.${language}`)
    writeFileSync(file, runnable(code))
    const { url, close } = await mount(file)
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'mcp-protocol-version': version,
          'mcp-method': 'tools/call',
          'mcp-name': 'ping-backend',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name: 'ping-backend',
            arguments: {},
            _meta: {
              'io.modelcontextprotocol/protocolVersion': version,
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      })
      expect(await response.json()).toMatchObject({ result: { content: [{ type: 'text', text: 'yes' }] } })
      expect(response.status).toBe(200)
    } finally {
      await close()
    }
  })
})

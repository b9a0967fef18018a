/**
 * The floor that every figure is divided by: the least a Node process can do and still answer these requests
 * from parsed JSON. No checks, no framework, no cache.
 *
 * `--port N` serves HTTP on loopback, `--stdio` serves lines on standard input.
 */
import { parseArgs } from 'node:util'
import { DEFAULT_TOOLS, listedTools } from './catalog.js'

interface Message {
  readonly id?: number | string
  readonly method: string
  readonly params?: {
    readonly name?: string
    readonly arguments?: { readonly a?: number; readonly b?: number; readonly text?: string }
    readonly protocolVersion?: string
  }
}

const tools = listedTools(DEFAULT_TOOLS)

function resultOf({ method, params }: Message): unknown {
  if (method === 'tools/call') {
    const { a = 0, b = 0, text = '' } = params?.arguments ?? {}
    if (params?.name === 'add') {
      const sum = a + b
      return {
        resultType: 'complete',
        content: [{ type: 'text', text: String(sum) }],
        structuredContent: { sum },
      }
    }
    return { resultType: 'complete', content: [{ type: 'text', text }] }
  }
  if (method === 'tools/list') return { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'private' }
  return {
    protocolVersion: params?.protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'raw-loop', version: '1.0.0' },
  }
}

function answerTo(text: string): string | undefined {
  const message: Message = JSON.parse(text)
  if (message.id === undefined) return undefined
  return JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) })
}

async function serveHttp(port: number): Promise<void> {
  const { createServer } = await import('node:http')
  createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [first] = chunks
      const body = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
      const answer = answerTo(body.toString())
      if (answer === undefined) {
        response.writeHead(202).end()
        return
      }
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
        .end(answer)
    })
  }).listen(port, '127.0.0.1')
}

function serveStdio(): void {
  let rest = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const answer = answerTo(line)
      if (answer !== undefined) process.stdout.write(`${answer}\n`)
    }
  })
}

const { values } = parseArgs({ options: { port: { type: 'string' }, stdio: { type: 'boolean' } } })
if (values.stdio === true) serveStdio()
else await serveHttp(Number(values.port ?? 0))

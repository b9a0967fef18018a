/** The two ways of opening: each request by itself, or after a handshake. */
export type Era = '2026-07-28' | '2025-11-25'
export type Kind = 'add' | 'list' | 'echo'

export const ERAS: readonly Era[] = ['2026-07-28', '2025-11-25']
export const KINDS: readonly Kind[] = ['add', 'list', 'echo']

/** Ids have seven digits from here on, so that a request can be patched in place without changing its length. */
export const FIRST_ID = 1_000_000
export const ID_DIGITS = 7

/** What `add` adds to the id of its request; the sum differs in each answer. */
const ADDEND = 5

const clientInfo = { name: 'holdfast-bench', version: '1.0.0' }
const modernMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': clientInfo,
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Prose with quotes, line ends and letters beyond ASCII, free of digits so that only ids match digits. */
export function echoText(bytes: number): string {
  const sentence =
    'The quick brown fox said "jump", and the lazy dog did so.\nZwölf Boxkämpfer jagen Viktor.\n'
  return sentence.repeat(Math.ceil(bytes / Buffer.byteLength(sentence)))
}

/**
 * One JSON-RPC request as text without a line end.
 *
 * @param text what `echo` sends; unused by the other kinds
 */
export function requestBody(kind: Kind, era: Era, id: number, text: string): string {
  const meta = era === '2026-07-28' ? { _meta: modernMeta } : {}
  if (kind === 'list')
    return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params: { ...meta } })
  const args = kind === 'add' ? { a: id, b: ADDEND } : { text }
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: kind, arguments: args, ...meta },
  })
}

/** The `initialize` request of the older era. */
export function initializeBody(id: number): string {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params })
}

/** The notification that ends the handshake of the older era. */
export const initializedBody = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

/** Header lines beyond the common ones, each ended by CRLF. */
export function requestHeaders(kind: Kind, era: Era, sessionId: string | undefined): string {
  const version = `MCP-Protocol-Version: ${era}\r\n`
  if (era === '2025-11-25')
    return sessionId === undefined ? version : `${version}Mcp-Session-Id: ${sessionId}\r\n`
  if (kind === 'list') return `${version}Mcp-Method: tools/list\r\n`
  return `${version}Mcp-Method: tools/call\r\nMcp-Name: ${kind}\r\n`
}

interface Answer {
  readonly id?: unknown
  readonly result?: {
    readonly isError?: boolean
    readonly content?: readonly { readonly type?: string; readonly text?: string }[]
    readonly structuredContent?: { readonly sum?: unknown }
    readonly tools?: readonly { readonly name?: string; readonly inputSchema?: unknown }[]
  }
}

/** The JSON of an answer that may have come as one event of an event stream. */
export function answerText(body: string): string {
  if (body.startsWith('{')) return body
  const line = body.split('\n').findLast((candidate) => candidate.startsWith('data:'))
  return line === undefined ? body : line.slice('data:'.length)
}

/**
 * Compares an answer with what its request asked for.
 *
 * @returns undefined when it is right, else what is wrong with it
 */
export function answerFault(kind: Kind, id: number, text: string, body: string): string | undefined {
  let answer: Answer
  try {
    answer = JSON.parse(answerText(body))
  } catch {
    return `expected JSON, received ${body.slice(0, 200)}`
  }
  const received = body.slice(0, 300)
  if (answer.id !== id) return `expected id ${id}, received ${received}`
  const { result } = answer
  if (result === undefined || result.isError === true) return `expected a result, received ${received}`
  if (kind === 'list') {
    const named = result.tools?.filter((tool) => tool.name !== undefined && tool.inputSchema !== undefined)
    if (named === undefined || named.length < 50) return `expected 50 tools, received ${named?.length ?? 0}`
    return undefined
  }
  const [first] = result.content ?? []
  const expected = kind === 'add' ? String(id + ADDEND) : text
  if (first?.text !== expected) return `expected text ${expected.slice(0, 40)}, received ${received}`
  if (kind === 'add' && result.structuredContent?.sum !== id + ADDEND) {
    return `expected structured sum ${expected}, received ${received}`
  }
  return undefined
}

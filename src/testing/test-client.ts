import type { ClientCapabilities, ContentBlock, Implementation, Tool } from 'holdfast'
import { type Answers, answersTo, answerTo, type ServerRequest } from './answers.js'
import type { HttpReply, Listening, Outgoing, Revision, Transport, Wire } from './wire.js'
import { isStateless } from './wire.js'

/** A JSON object as it came. */
export type Message = Readonly<Record<string, unknown>>

export interface TestNotification {
  readonly method: string
  readonly params: Message
}

export interface ToolCallResult {
  readonly content: readonly ContentBlock[]
  readonly structuredContent?: unknown
  readonly isError?: boolean
  readonly _meta?: Message
}

export interface RequestOptions {
  /** Default: the next number. */
  readonly id?: string | number
  /** Joined to the params' `_meta`, such as a `progressToken`. */
  readonly meta?: Message
  /** Cancels as the revision and transport ask: by notification, or by closing the exchange. */
  readonly signal?: AbortSignal
  /** HTTP only: set over the usual ones; `undefined` leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** What one raw frame brought back. */
export interface Exchanged {
  /** Everything that came for it, in order; a batch's answer is one array. */
  readonly messages: readonly unknown[]
  /** HTTP only. */
  readonly status?: number
  /** HTTP only. */
  readonly headers?: Headers
}

/** A JSON-RPC error answer, or an HTTP refusal. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
  readonly code: number
  readonly data: unknown
  /** Undefined where there is no HTTP. */
  readonly httpStatus: number | undefined

  constructor(error: Message, httpStatus: number | undefined) {
    super(String(error['message'] ?? 'The server refused without a reason.'))
    this.code = Number(error['code'])
    this.data = error['data']
    this.httpStatus = httpStatus
  }
}

export interface TestClientOptions {
  readonly transport: Transport
  readonly revision: Revision
  readonly capabilities: ClientCapabilities
  readonly clientInfo: Implementation
  readonly timeoutMs: number
  readonly answers: Answers
  open(receive: (text: string) => void): Promise<Wire>
}

const metaPrefix = 'io.modelcontextprotocol/'

/** A client that says exactly what a test tells it to. Make one with `connect`. */
export class TestClient {
  readonly transport: Transport
  readonly revision: Revision
  /** Every message that came, in order. */
  readonly received: unknown[] = []
  readonly #options: TestClientOptions
  readonly #watchers = new Set<() => void>()
  #wire: Wire | undefined
  #opening: Message | undefined
  #nextId = 1
  #closed = false

  constructor(options: TestClientOptions) {
    this.transport = options.transport
    this.revision = options.revision
    this.#options = options
  }

  /** What the server said of itself in the handshake; undefined without one. */
  get initialized(): Message | undefined {
    return this.#opening
  }

  /** The endpoint's address, over HTTP. */
  get url(): string | undefined {
    return this.#wire?.url
  }

  get notifications(): readonly TestNotification[] {
    return this.received.filter(isNotification)
  }

  /** What the server asked by requests of its own, in order. */
  get serverRequests(): readonly ServerRequest[] {
    return this.received.filter(isServerRequest)
  }

  /** HTTP only: the id of the session, where there is one. */
  get session(): string | undefined {
    return this.#wire?.session
  }

  /** HTTP only: the id of the newest event that came, on any stream. */
  get lastEventId(): string | undefined {
    return this.#wire?.lastEventId
  }

  /**
   * HTTP only: opens a stream by GET, from after the event `lastEventId` when it is given. What comes on it is in
   * `received`. Elsewhere there is nothing to open.
   */
  async listen(lastEventId?: string): Promise<Listening | undefined> {
    return this.#wire?.listen?.((text) => void this.#receive(text), lastEventId)
  }

  async start(): Promise<void> {
    this.#wire = await this.#options.open((text) => this.#receive(text))
  }

  /** The handshake, as `connect` does it unless told otherwise. @throws RequestError */
  async initialize(protocolVersion: string = this.revision): Promise<Message> {
    const { capabilities, clientInfo } = this.#options
    const opening = await this.#send('initialize', { protocolVersion, capabilities, clientInfo }, {})
    this.#opening = opening
    await this.notify('notifications/initialized')
    return opening
  }

  /** @throws RequestError for an error answer or an HTTP refusal, Error when no answer comes. */
  request<Result = Message>(
    method: string,
    params: Message = {},
    options: RequestOptions = {},
  ): Promise<Result> {
    const given = params['_meta'] as Message | undefined
    const meta = { ...this.#envelope(), ...given, ...options.meta }
    const full = Object.keys(meta).length === 0 ? params : { ...params, _meta: meta }
    return this.#through<Result>(method, full, options)
  }

  /** Comes back with answers as long as the result asks something that the client answers. */
  async #through<Result>(method: string, params: Message, options: RequestOptions): Promise<Result> {
    const result = await this.#send(method, params, options)
    if (result['resultType'] !== 'input_required') return result as Result
    const inputResponses = await answersTo(result, this.#options.answers)
    if (inputResponses === undefined) return result as Result
    const { requestState } = result
    const { id: _used, ...rest } = options
    const again = { ...params, inputResponses, ...(requestState !== undefined && { requestState }) }
    return this.#through<Result>(method, again, rest)
  }

  async notify(method: string, params: Message = {}, options: Outgoing = {}): Promise<void> {
    await this.#write(JSON.stringify({ jsonrpc: '2.0', method, params }), options)
  }

  callTool(name: string, args: Message = {}, options?: RequestOptions): Promise<ToolCallResult> {
    return this.request<ToolCallResult>('tools/call', { name, arguments: args }, options)
  }

  listTools(cursor?: string): Promise<{ readonly tools: readonly Tool[]; readonly nextCursor?: string }> {
    return this.request('tools/list', cursor === undefined ? {} : { cursor })
  }

  readResource(uri: string, options?: RequestOptions): Promise<{ readonly contents: readonly Message[] }> {
    return this.request('resources/read', { uri }, options)
  }

  getPrompt(
    name: string,
    args: Readonly<Record<string, string>> = {},
    options?: RequestOptions,
  ): Promise<{ readonly description?: string; readonly messages: readonly Message[] }> {
    return this.request('prompts/get', { name, arguments: args }, options)
  }

  /** Suggestions for one argument of a prompt (`{ type: 'ref/prompt', name }`) or a template (`ref/resource`, `uri`). */
  async complete(
    ref: Message,
    argument: { readonly name: string; readonly value: string },
    chosen?: Readonly<Record<string, string>>,
  ): Promise<{ readonly values: readonly string[]; readonly total?: number; readonly hasMore?: boolean }> {
    const context = chosen === undefined ? {} : { context: { arguments: chosen } }
    const result = await this.request('completion/complete', { ref, argument, ...context })
    return result['completion'] as { values: string[] }
  }

  /**
   * Sends a frame as it is, right or wrong, and gives all that came back. Over HTTP that is the reply's body. Elsewhere
   * a question behind the frame shows when the server is through with it, and each request in the frame whose id can be
   * read is waited for.
   */
  async exchange(text: string, options: Outgoing = {}): Promise<Exchanged> {
    if (this.transport === 'http') {
      const body: unknown[] = []
      const reply = await this.#write(text, options, (message) => body.push(message))
      return { messages: body, ...(reply && { status: reply.status, headers: reply.headers }) }
    }
    const before = this.received.length
    const fence = `fence-${this.#nextId++}`
    await this.#write(text, options)
    await this.#write(this.#question(fence))
    await this.waitFor((message) => isObject(message) && message['id'] === fence)
    const messages = (): readonly unknown[] =>
      this.received.slice(before).filter((message) => !isObject(message) || message['id'] !== fence)
    // An error without an id speaks for the whole frame.
    if (messages().some((message) => isObject(message) && 'error' in message && !('id' in message))) {
      return { messages: messages() }
    }
    for (const id of requestIds(text)) await this.waitFor((message) => answers(message, id), before)
    return { messages: messages() }
  }

  /** Sends a frame as it is and waits for nothing; what comes back is in `received`. */
  post(text: string, options: Outgoing = {}): Promise<HttpReply | undefined> {
    return this.#write(text, options)
  }

  /** The first message of `received` (from index `from`) that fits, now or later. @throws Error when none comes. */
  waitFor(fits: (message: unknown) => boolean, from = 0): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#watchers.delete(look)
      }
      const look = (): void => {
        const found = this.received.slice(from).find(fits)
        if (found !== undefined) {
          done()
          resolve(found)
        } else if (this.#closed) {
          done()
          reject(new Error('The connection closed before the answer came.'))
        }
      }
      const { timeoutMs } = this.#options
      const timer = setTimeout(() => {
        done()
        reject(new Error(`No answer came within ${timeoutMs} ms.`))
      }, timeoutMs)
      this.#watchers.add(look)
      look()
    })
  }

  /** Leaves; the server stays open. Over stdio, calls in flight have the transport's grace time to be answered. */
  async close(): Promise<void> {
    await this.#wire?.close()
    this.#closed = true
    for (const look of [...this.#watchers]) look()
  }

  #envelope(): Message {
    if (!isStateless(this.revision)) return {}
    return {
      [`${metaPrefix}protocolVersion`]: this.revision,
      [`${metaPrefix}clientCapabilities`]: this.#options.capabilities,
      [`${metaPrefix}clientInfo`]: this.#options.clientInfo,
    }
  }

  async #send<Result = Message>(method: string, params: Message, options: RequestOptions): Promise<Result> {
    const { id = this.#nextId++, signal, headers } = options
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    const closes = this.transport === 'http' && isStateless(this.revision)
    const outgoing: Outgoing = { ...(headers && { headers }), ...(closes && signal && { signal }) }
    let last: unknown
    const work = async (): Promise<Result> => {
      const from = this.received.length
      const reply = await this.#write(text, outgoing, (message) => {
        last = message
      })
      const answer = reply === undefined ? await this.waitFor((message) => answers(message, id), from) : last
      if (isObject(answer) && 'result' in answer) return answer['result'] as Result
      const error = isObject(answer) && isObject(answer['error']) ? answer['error'] : {}
      throw new RequestError(error, reply?.status)
    }
    return signal === undefined ? work() : Promise.race([work(), this.#cancelled(id, signal, closes)])
  }

  /** Rejects when the signal fires, after telling the server. */
  #cancelled(id: string | number, signal: AbortSignal, closes: boolean): Promise<never> {
    return new Promise((_resolve, reject) => {
      const cancel = (): void => {
        reject(signal.reason)
        // A stateless exchange over HTTP was cancelled by closing it.
        if (!closes) this.notify('notifications/cancelled', { requestId: id }).catch(reject)
      }
      if (signal.aborted) cancel()
      else signal.addEventListener('abort', cancel, { once: true })
    })
  }

  async #write(
    text: string,
    outgoing: Outgoing = {},
    onMessage: (message: unknown) => void = () => undefined,
  ): Promise<HttpReply | undefined> {
    if (this.#wire === undefined || this.#closed) throw new Error('The test client is closed.')
    return this.#wire.send(text, outgoing, (received) => onMessage(this.#receive(received)))
  }

  #receive(text: string): unknown {
    const message: unknown = JSON.parse(text)
    this.received.push(message)
    if (isServerRequest(message)) void this.#answer(message)
    for (const look of [...this.#watchers]) look()
    return message
  }

  async #answer(request: ServerRequest): Promise<void> {
    const response = await answerTo(request, this.#options.answers)
    // A client that has left answers nothing.
    if (!this.#closed) await this.#write(JSON.stringify(response)).catch(() => undefined)
  }

  /** A request that any server of this revision answers at once. */
  #question(id: string): string {
    const stateless = isStateless(this.revision)
    const params = stateless ? { _meta: this.#envelope() } : {}
    return JSON.stringify({ jsonrpc: '2.0', id, method: stateless ? 'server/discover' : 'ping', params })
  }
}

function isObject(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isServerRequest(value: unknown): value is ServerRequest {
  return isObject(value) && typeof value['method'] === 'string' && 'id' in value
}

function isNotification(value: unknown): value is TestNotification {
  return isObject(value) && typeof value['method'] === 'string' && !('id' in value)
}

/** Whether a message answers the id, alone or in a batch. */
function answers(message: unknown, id: unknown): boolean {
  if (Array.isArray(message)) return message.some((one) => answers(one, id))
  return isObject(message) && !('method' in message) && message['id'] === id
}

/** The ids of the requests in a frame that a server can read. */
function requestIds(text: string): readonly unknown[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return []
  }
  const all: readonly unknown[] = Array.isArray(value) ? value : [value]
  return all.flatMap((message) =>
    isObject(message) && typeof message['method'] === 'string' && isReadableId(message['id'])
      ? [message['id']]
      : [],
  )
}

function isReadableId(id: unknown): boolean {
  return typeof id === 'string' || Number.isSafeInteger(id)
}

import { shown } from '../errors/shown.js'

/** JSON-RPC ids in MCP are strings or integers, never null (specification, basic/index, "Requests"). */
export type RequestId = string | number

export interface RequestFrame {
  readonly kind: 'request'
  readonly id: RequestId
  readonly method: string
  readonly params: Params
}

export interface NotificationFrame {
  readonly kind: 'notification'
  readonly method: string
  readonly params: Params
}

/** An answer to a request of ours, or one that nobody asked for. It is never answered. */
export interface ResponseFrame {
  readonly kind: 'response'
  readonly id: RequestId | undefined
  readonly body: Readonly<Record<string, unknown>>
}

/** Something that is no JSON-RPC message of MCP. `id` is there when it could be read. */
export interface InvalidFrame {
  readonly kind: 'invalid'
  readonly id: RequestId | undefined
  readonly error: 'parse_error' | 'invalid_request' | 'invalid_params'
  readonly message: string
}

export type Frame = RequestFrame | NotificationFrame | ResponseFrame | InvalidFrame
export type Params = Readonly<Record<string, unknown>>

export interface FrameLimits {
  /** How deep objects and arrays may be nested in one message. */
  readonly maxDepth: number
  /** How many messages one batch may hold. */
  readonly maxBatch: number
}

export const defaultFrameLimits: FrameLimits = { maxDepth: 64, maxBatch: 50 }

const noParams: Params = Object.freeze({})

/**
 * Reads one message or a batch from its text. It never throws: what cannot be read comes back as an
 * invalid frame that says why in one sentence.
 */
export function readFrames(text: string, limits: FrameLimits): Frame | readonly Frame[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return invalid(undefined, 'parse_error', 'The message is not valid JSON.')
  }
  // What is too deep or tainted still has an id at its top, and whoever waits for an answer gets one.
  const fault = nestedDeeperThan(text, limits.maxDepth)
    ? `The message is nested deeper than ${limits.maxDepth} levels.`
    : undefined
  const tainted = fault === undefined && mayHoldForbiddenKey(text)
  if (!Array.isArray(value)) return readFrame(value, tainted, fault)
  if (value.length === 0)
    return invalid(undefined, 'invalid_request', 'A batch must hold at least one message.')
  if (value.length > limits.maxBatch) {
    return invalid(
      undefined,
      'invalid_request',
      `A batch may hold ${limits.maxBatch} messages, received ${value.length}.`,
    )
  }
  return value.map((message: unknown) => readFrame(message, tainted, fault))
}

function readFrame(value: unknown, tainted: boolean, fault: string | undefined): Frame {
  if (!isRecord(value)) {
    return invalid(
      undefined,
      'invalid_request',
      fault ?? `A message must be a JSON object, received ${kindOf(value)}.`,
    )
  }
  const { id, method, params } = value
  const readable = isRequestId(id) ? id : undefined
  const refused =
    fault ??
    (tainted && holdsForbiddenKey(value)
      ? 'The key "__proto__" is not allowed anywhere in a message.'
      : undefined)
  if (method === undefined && ('result' in value || 'error' in value)) {
    // A response is never answered, so one that must not be read counts as an empty one.
    return { kind: 'response', id: readable, body: refused === undefined ? value : noParams }
  }
  if (refused !== undefined) return invalid(readable, 'invalid_request', refused)
  if (value['jsonrpc'] !== '2.0') {
    return invalid(
      readable,
      'invalid_request',
      `"jsonrpc" must be "2.0", received ${shown(value['jsonrpc'])}.`,
    )
  }
  if (typeof method !== 'string') {
    return invalid(readable, 'invalid_request', `"method" must be a string, received ${shown(method)}.`)
  }
  if ('id' in value && readable === undefined) {
    return invalid(
      undefined,
      'invalid_request',
      `"id" must be a string or a safe integer, received ${shown(id)}.`,
    )
  }
  if (params !== undefined && !isRecord(params)) {
    return invalid(readable, 'invalid_params', `"params" must be an object, received ${kindOf(params)}.`)
  }
  const given = params ?? noParams
  if (readable === undefined) return { kind: 'notification', method, params: given }
  return { kind: 'request', id: readable, method, params: given }
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

/** 1 and "1" are different ids (JSON-RPC 2.0 §4), so a key says which kind it was. */
export function requestKey(id: RequestId): string {
  return typeof id === 'string' ? `s${id}` : `n${id}`
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(id: RequestId | undefined, error: InvalidFrame['error'], message: string): InvalidFrame {
  return { kind: 'invalid', id, error, message }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return value === undefined ? 'nothing' : `a ${typeof value}`
}

/**
 * JSON.parse itself bears any depth, but what walks the value afterwards (validators, JSON.stringify)
 * recurses and would overflow the stack.
 */
function nestedDeeperThan(text: string, limit: number): boolean {
  // Fewer brackets than levels, even counting those inside strings: the usual message, found by native search.
  if (occursAtMost(text, '{', limit / 2) && occursAtMost(text, '[', limit / 2)) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === 0x22 /* " */) {
      at = endOfString(text, at)
    } else if (code === 0x7b /* { */ || code === 0x5b /* [ */) {
      depth += 1
      if (depth > limit) return true
    } else if (code === 0x7d /* } */ || code === 0x5d /* ] */) {
      depth -= 1
    }
  }
  return false
}

function occursAtMost(text: string, bracket: string, limit: number): boolean {
  let found = 0
  for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
    found += 1
    if (found > limit) return false
  }
  return true
}

function endOfString(text: string, start: number): number {
  let at = start
  for (;;) {
    at = text.indexOf('"', at + 1)
    if (at === -1) return text.length
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === 0x5c /* \ */) slashes += 1
    if (slashes % 2 === 0) return at
  }
}

/**
 * JSON.parse makes `__proto__` an own property, harmless until someone copies it by assignment. A key can
 * also be spelled with escapes, so any \u sends the message through the full look.
 */
function mayHoldForbiddenKey(text: string): boolean {
  return text.includes('__proto__') || text.includes('\\u')
}

function holdsForbiddenKey(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsForbiddenKey)
  if (!isRecord(value)) return false
  if (Object.hasOwn(value, '__proto__')) return true
  return Object.values(value).some(holdsForbiddenKey)
}

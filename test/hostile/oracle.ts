import { isUtf8 } from 'node:buffer'
import { secret } from './target-server.js'

/** What the tests expect, worked out from the specification and not with the server's own reader. */

const maxBatch = 50

/** 1 and "1" are different ids. */
export function idKey(id: unknown): string | undefined {
  if (typeof id === 'string') return JSON.stringify(id)
  return Number.isSafeInteger(id) ? String(Number(id)) : undefined
}

export interface Expected {
  /** The ids that must be answered, one entry for each request. */
  readonly asked: readonly string[]
  /** The ids that this frame cancels. */
  readonly cancelled: readonly string[]
  /** A batch may be refused as a whole where a transport has one answer for it. */
  readonly batch: boolean
}

const nothing: Expected = { asked: [], cancelled: [], batch: false }

/** Reads one frame as JSON-RPC 2.0 has it: which of its messages wait for an answer. */
export function expectedOf(bytes: Buffer): Expected {
  if (!isUtf8(bytes)) return nothing
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return nothing
  }
  if (!Array.isArray(value)) return { ...ofMessage(value), batch: false }
  if (value.length > maxBatch) return { ...nothing, batch: true }
  const each = value.map(ofMessage)
  return {
    asked: each.flatMap(({ asked }) => asked),
    cancelled: each.flatMap(({ cancelled }) => cancelled),
    batch: true,
  }
}

function ofMessage(value: unknown): Pick<Expected, 'asked' | 'cancelled'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return nothing
  const { id, method, params }: { id?: unknown; method?: unknown; params?: unknown } = value
  if (method === 'notifications/cancelled' && typeof params === 'object' && params !== null) {
    const cancelled = idKey(Reflect.get(params, 'requestId'))
    if (id === undefined && cancelled !== undefined) return { asked: [], cancelled: [cancelled] }
  }
  const isResponse = method === undefined && ('result' in value || 'error' in value)
  const key = idKey(id)
  return isResponse || key === undefined ? nothing : { asked: [key], cancelled: [] }
}

/** Sentences about what is wrong with one message of the server's; none when all is well. */
export function faultsOf(text: string): string[] {
  const faults: string[] = []
  if (/\p{Surrogate}/u.test(text)) faults.push('holds half a surrogate pair')
  if (text.includes(secret)) faults.push('shows what a handler threw')
  if (/\bat [^"]{0,80}:\d+:\d+/.test(text)) faults.push('holds a stack')
  if (/node_modules|file:\/\/|\.ts\b|\/(?:home|work|usr|tmp|srv)\//.test(text)) faults.push('holds a path')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return [...faults, 'is not JSON']
  }
  for (const message of Array.isArray(value) ? value : [value]) faults.push(...faultsOfMessage(message))
  return faults
}

function faultsOfMessage(message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return ['is no object']
  const { jsonrpc, method, id, result, error }: Record<string, unknown> = { ...message }
  const faults: string[] = []
  if (jsonrpc !== '2.0') faults.push('has no "jsonrpc"')
  if (method !== undefined) {
    if (method !== 'notifications/progress') faults.push(`is a ${String(method)} that nobody asked for`)
    return faults
  }
  if ('id' in message && idKey(id) === undefined) faults.push('has an id that is none')
  if ((result === undefined) === (error === undefined)) faults.push('has not exactly one of result and error')
  if (result !== undefined && (typeof result !== 'object' || result === null))
    faults.push('has no object as result')
  if (error !== undefined) {
    const { code, message: sentence } = error as { code?: unknown; message?: unknown }
    if (!Number.isSafeInteger(code) || typeof sentence !== 'string' || sentence === '')
      faults.push('has an error without code or message')
  }
  return faults
}

/** The ids that one text of the server's answers; `undefined` stands for an answer without an id. */
export function answersIn(text: string): (string | undefined)[] {
  const value: unknown = JSON.parse(text)
  return (Array.isArray(value) ? value : [value]).flatMap((message: unknown) => {
    if (typeof message !== 'object' || message === null || 'method' in message) return []
    return [idKey(Reflect.get(message, 'id'))]
  })
}

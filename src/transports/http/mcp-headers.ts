import { shown } from '../../errors/shown.js'
import { isRecord } from '../../protocol/json-rpc.js'
import type { MirroredParam } from '../../protocol/mirrored-params.js'
import { readEncodedValue, readPlainValue } from './header-value.js'
import { headerMismatchCode, type Refusal } from './refusal.js'

export interface RoutedMessage {
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>> | undefined
}

export interface RoutingOptions {
  /** What `mirroredParams` found in the input schema of the tool that is called. */
  readonly mirroredParams?: readonly Pick<MirroredParam, 'header' | 'key' | 'path'>[] | undefined
}

/** Where Mcp-Name comes from (2026-07-28, "Standard Request Headers"; for tasks the tasks extension, SEP-2663). */
const nameSources: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])

/**
 * Compares the routing headers of a 2026-07-28 request with its body (streamable-http, "Server Validation"), so
 * that a proxy which decided by the headers has decided about what really runs. For requests only: the revision
 * defines no headers for notifications. `get` takes names in lower case. A body without the value a header
 * mirrors is left to the engine, which says better what is missing.
 */
export function checkRoutingHeaders(
  get: (name: string) => string | undefined,
  { method, params }: RoutedMessage,
  { mirroredParams }: RoutingOptions = {},
): Refusal | undefined {
  const methodHeader = get('mcp-method')
  // The common case first: no trimming, no message.
  if (methodHeader !== method) {
    const value = methodHeader === undefined ? undefined : readPlainValue(methodHeader)
    if (value !== method)
      return disagreement('Mcp-Method', methodHeader, { where: 'method', value: shown(method) })
  }
  const source = nameSources.get(method)
  if (source !== undefined && params !== undefined) {
    const name = params[source]
    if (typeof name === 'string') {
      const refusal = compareText('Mcp-Name', get('mcp-name'), { where: `params.${source}`, value: name })
      if (refusal !== undefined) return refusal
    }
  }
  if (mirroredParams === undefined || mirroredParams.length === 0) return undefined
  const args = params?.['arguments']
  for (const param of mirroredParams) {
    const refusal = compareParam(param.header, get(param.key), {
      where: `params.arguments.${param.path.join('.')}`,
      value: valueAt(args, param.path),
    })
    if (refusal !== undefined) return refusal
  }
  return undefined
}

interface BodyValue<Value> {
  readonly where: string
  readonly value: Value
}

function compareParam(
  header: string,
  raw: string | undefined,
  body: BodyValue<unknown>,
): Refusal | undefined {
  const { where, value } = body
  switch (typeof value) {
    case 'string':
      return compareText(header, raw, { where, value })
    case 'number':
      return compareNumber(header, raw, { where, value })
    case 'boolean':
      return compareText(header, raw, { where, value: String(value) })
    default:
      // Null and absent have no header. Nor has an object, which the tool's validation refuses.
      return raw === undefined ? undefined : disagreement(header, raw, { where, value: 'no value' })
  }
}

function compareText(header: string, raw: string | undefined, body: BodyValue<string>): Refusal | undefined {
  if (raw !== undefined && readEncodedValue(raw) === body.value) return undefined
  return disagreement(header, raw, { where: body.where, value: shown(body.value) })
}

/**
 * Numerically, as the specification wants it: 42.0 is 42. Beyond the safe integers different digits would read
 * as one number here and as another elsewhere, so such a value cannot be mirrored.
 */
function compareNumber(
  header: string,
  raw: string | undefined,
  body: BodyValue<number>,
): Refusal | undefined {
  const text = raw === undefined ? undefined : readEncodedValue(raw)
  if (text !== undefined) {
    if (text === String(body.value) && (Number.isSafeInteger(body.value) || !Number.isInteger(body.value))) {
      return undefined
    }
    if (
      /^-?\d{1,16}(?:\.0{1,16})?$/.test(text) &&
      Number.isSafeInteger(body.value) &&
      Number(text) === body.value
    ) {
      return undefined
    }
  }
  return disagreement(header, raw, { where: body.where, value: String(body.value) })
}

function valueAt(args: unknown, path: readonly string[]): unknown {
  let value = args
  for (const name of path) {
    // `constructor` and its like must not be found on the prototype.
    if (!isRecord(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

function disagreement(header: string, raw: string | undefined, body: BodyValue<string>): Refusal {
  return { status: 400, code: headerMismatchCode, message: sentence(header, raw, body) }
}

function sentence(header: string, raw: string | undefined, { where, value }: BodyValue<string>): string {
  if (raw === undefined)
    return `The header ${header} is missing, but ${where} in the body is ${value}; send it.`
  if (readEncodedValue(raw) === undefined) {
    return `The header ${header} holds invalid characters or Base64: received ${shown(raw)}, while ${where} in the body is ${value}.`
  }
  return `The header ${header} says ${shown(raw)}, but ${where} in the body is ${value}; send the same in both.`
}

import { catalogue, type ProtocolErrorName } from '../../errors/catalogue.js'
import type { RequestId } from '../../protocol/json-rpc.js'

/**
 * An answer given before the engine sees the message: an HTTP status and the JSON-RPC error of its body.
 * The message is public: one sentence.
 */
export interface Refusal {
  readonly status: number
  /** A JSON-RPC code. -32000..-32019 are never used (specification 2026-07-28, basic/index, "Error Codes"). */
  readonly code: number
  readonly message: string
  /** Header names are in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly data?: object
}

/** The JSON-RPC code of a protocol error, by its name. */
export function catalogueCode(name: ProtocolErrorName): number {
  return catalogue[name].code
}

export const parseErrorCode: number = catalogue.parse_error.code
export const invalidRequestCode: number = catalogue.invalid_request.code
export const headerMismatchCode: number = catalogue.header_mismatch.code

/**
 * The body of a refusal. Without an id the member is left out: the schemas of 2025-11-25 and later make it
 * optional and forbid the `null` of JSON-RPC 2.0.
 */
export function encodeRefusal(refusal: Refusal, id?: RequestId): string {
  const { code, message, data } = refusal
  const error = data === undefined ? { code, message } : { code, message, data }
  return JSON.stringify(id === undefined ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id, error })
}

/**
 * Every error that Holdfast itself sends. `docs/errors.md` has one section an entry, and a test holds the
 * two against each other both ways. A code that was ever released is never used again for something else.
 *
 * `protocol`: a fault of the request's shape, answered as a JSON-RPC error with `code`.
 * `tool`: a fault of arguments, of a rule or of a backend, answered as a tool result with `isError`,
 * because a model can read and mend that (specification 2025-11-25, server/tools, "Error Handling").
 */
export const catalogue = {
  parse_error: { family: 'protocol', code: -32700, retryable: false },
  invalid_request: { family: 'protocol', code: -32600, retryable: false },
  method_not_found: { family: 'protocol', code: -32601, retryable: false },
  invalid_params: { family: 'protocol', code: -32602, retryable: false },
  /** The same number as invalid_params, for what 2026-07-28 answers with HTTP 400: a faulty `_meta` envelope. */
  invalid_envelope: { family: 'protocol', code: -32602, retryable: false },
  /** -32002 in the handshake revisions, -32602 in 2026-07-28: the revision maps it. */
  resource_not_found: { family: 'protocol', code: -32602, retryable: false },
  internal_error: { family: 'protocol', code: -32603, retryable: false },
  header_mismatch: { family: 'protocol', code: -32020, retryable: false },
  missing_client_capability: { family: 'protocol', code: -32021, retryable: false },
  unsupported_protocol_version: { family: 'protocol', code: -32022, retryable: false },
  /** The caller is known, and lacks a permission. Over HTTP 403 with the challenge that names it (RFC 6750 §3.1). */
  insufficient_permissions: { family: 'protocol', code: -32600, retryable: false },
  /** A limit of this server was reached before the request could be read or started. */
  too_many_requests: { family: 'protocol', code: -32603, retryable: true },

  invalid_arguments: { family: 'tool', retryable: false },
  overloaded: { family: 'tool', retryable: true },
  shutting_down: { family: 'tool', retryable: true },
  timed_out: { family: 'tool', retryable: true },
  internal: { family: 'tool', retryable: false },
  /** The client answered a question with an error. */
  client_failed: { family: 'tool', retryable: false },
  /** A question had no way to the client. */
  client_unreachable: { family: 'tool', retryable: true },
  /** A client was asked again and again without an answer that counts. */
  unanswered: { family: 'tool', retryable: true },
  /** The definition's own rule refuses this caller with these arguments. */
  not_permitted: { family: 'tool', retryable: false },
  /** The idempotency key was used before for something else. */
  idempotency_conflict: { family: 'tool', retryable: false },
  /** An earlier call with the same idempotency key began, and its outcome is not known. */
  in_doubt: { family: 'tool', retryable: false },
  /** Something behind the server failed too often and is not asked for a while. */
  backend_unavailable: { family: 'tool', retryable: true },
  /** Everything in a pool is in use, and nothing came free in time. */
  pool_exhausted: { family: 'tool', retryable: true },
  /** What the server must look up or write down before it may act is out of reach. */
  store_unavailable: { family: 'tool', retryable: true },
  /** The thread that a call ran on did not survive it. */
  worker_failed: { family: 'tool', retryable: false },
  /** The caller came too often. */
  rate_limited: { family: 'tool', retryable: true },
  /** A URL, or where it leads, is not one that the server may fetch. */
  url_not_allowed: { family: 'tool', retryable: false },
  fetch_failed: { family: 'tool', retryable: true },
  fetch_timed_out: { family: 'tool', retryable: true },
  response_too_large: { family: 'tool', retryable: false },
  too_many_redirects: { family: 'tool', retryable: false },
  /** A path that leads, or could be made to lead, out of the folder that is served. */
  path_not_allowed: { family: 'tool', retryable: false },
  path_not_found: { family: 'tool', retryable: false },
  file_too_large: { family: 'tool', retryable: false },
  /** What a tool returned is more than may be sent, and cannot be cut so that it is still what the tool promises. */
  result_too_large: { family: 'tool', retryable: false },
  /** A large result could not be kept for later reading. */
  spill_failed: { family: 'tool', retryable: true },
  /** What a call would have to remember while its client is asked is too much. */
  state_too_large: { family: 'tool', retryable: false },
} as const

type Catalogue = typeof catalogue
type NamesOf<Family extends 'protocol' | 'tool'> = {
  [Name in keyof Catalogue]: Catalogue[Name]['family'] extends Family ? Name : never
}[keyof Catalogue]

export type ProtocolErrorName = NamesOf<'protocol'>
export type ToolErrorName = NamesOf<'tool'>

/** What one call did, for whoever has to answer for it later. It holds no argument and no answer. */
export interface AuditRecord {
  /** When the call arrived, ISO 8601. */
  readonly at: string
  readonly principal: {
    readonly kind: 'anonymous' | 'user' | 'service'
    readonly issuer: string
    readonly subject: string
  }
  /** The client's address over HTTP, after trusted proxies. */
  readonly address?: string
  readonly transport: 'stdio' | 'http' | 'memory'
  /** The protocol revision, such as `2025-11-25`. */
  readonly revision: string
  readonly kind: 'tool' | 'resource' | 'prompt'
  /** The definition's name. */
  readonly name: string
  /** SHA-256 of the arguments as they came, in canonical JSON; the first 144 bits, as base64. Equal arguments have equal hashes. */
  readonly argumentsHash: string
  /** Which time the client sent this call, from 1: more only where it came back with answers (2026-07-28). Count those with 1. */
  readonly round: number
  /** `refused`: the handler was not begun, because a rule or a limit said no. */
  readonly decision: 'allowed' | 'refused'
  /** `asked`: the client is asked something first. `cancelled`: nobody waited for the end. */
  readonly outcome: 'ok' | 'error' | 'asked' | 'cancelled'
  /** The error's code, where there is one; `internal` for what no handler meant to throw. */
  readonly code?: string
  /** Milliseconds from its arrival. */
  readonly durationMs: number
}

/** Takes records; what it throws is logged and changes no call. It should hand them on at once. */
export type AuditSink = (record: AuditRecord) => void

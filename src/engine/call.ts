import type { Context } from './context.js'
import type { Exchange } from './exchange.js'

/** `listing`: a resource template names the resources it has for this caller. */
export type CallKind = 'tool' | 'resource' | 'prompt' | 'completion' | 'listing'

/** One run of a definition, as it passes through its middlewares. */
export interface Call {
  readonly kind: CallKind
  /** The tool's, prompt's or resource's name, as defined. */
  readonly name: string
  /** What the handler will receive: as the client sent it at first, validated after that stage. */
  input: unknown
  readonly ctx: Context
  /** The request that this call answers. */
  readonly exchange: Exchange
  /** Whether its handler was called: from then on something may have been done. */
  begun?: boolean
}

/**
 * What comes back through the middlewares: for a tool a `ToolResult`, for a resource its contents, for a
 * prompt its messages, for a completion its values.
 */
export type CallResult = unknown

export type Handler = (call: Call) => CallResult | Promise<CallResult>

/** Goes on with the call, or with another in its place: the same work on an exchange of its own, which outlives this one. */
export type Next = (other?: Call) => CallResult | Promise<CallResult>

/**
 * Stands around a call: may look, change `call.input`, refuse by throwing, or change what comes back.
 * Ours and yours are of this one type.
 */
export type Middleware = (call: Call, next: Next) => CallResult | Promise<CallResult>

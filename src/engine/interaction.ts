import type { ClientFeature } from '../protocol/revisions/revision.js'
import type { Root, SamplingRequest, SamplingResult } from '../protocol/types.js'
import type { InferOutput, SchemaLike } from '../schema/infer.js'
import type { Exchange } from './exchange.js'

interface Asked {
  /**
   * What the client sees the question under where it answers many at once (2026-07-28, tasks). Default: its kind. It does
   * not make two questions one: an answer counts for what was asked, so a changed wording is asked anew.
   */
  readonly key?: string
}

/** What a user is asked to fill in. Never ask for secrets: they would pass through the client; use a URL. */
export interface FormQuestion<Schema extends SchemaLike = SchemaLike> extends Asked {
  /** What the user is told. */
  readonly message: string
  /** A flat object of strings, numbers, booleans and choices (specification, client/elicitation). */
  readonly schema: Schema
}

/** A page that a user is asked to open, for what must not pass through the client. */
export interface UrlQuestion extends Asked {
  readonly message: string
  /** https, except on loopback. It must not be a login in itself, and must hold nothing about the user. */
  readonly url: string
  /** Ties a later `ctx.elicitationComplete(id)` to it, under 2025-11-25. Default: a random one. */
  readonly elicitationId?: string
}

export type FormAnswer<Content> =
  | { readonly action: 'accept'; readonly content: Content }
  | { readonly action: 'decline' | 'cancel' }

/** `accept` means that the user opened the page, not that what is there was done. */
export interface UrlAnswer {
  readonly action: 'accept' | 'decline' | 'cancel'
}

export interface SamplingQuestion extends SamplingRequest, Asked {}

/** A question as it goes to the client. */
export interface Question {
  readonly method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'
  readonly params: object
  readonly feature: ClientFeature
  /** Whether the client can be asked this; default: whether it has the feature. */
  readonly possible?: boolean
  readonly key: string | undefined
  /** What is wrong with an answer, or undefined. */
  check(answer: unknown): string | undefined | Promise<string | undefined>
}

/** What one call asks its client. */
export interface Interaction {
  elicit<const Schema extends SchemaLike>(
    question: FormQuestion<Schema>,
  ): Promise<FormAnswer<InferOutput<Schema>>>
  elicitUrl(question: UrlQuestion): Promise<UrlAnswer>
  sample(question: SamplingQuestion): Promise<SamplingResult>
  roots(question: Asked): Promise<readonly Root[]>
  once<Value>(key: string, work: () => Value | Promise<Value>): Promise<Value>
  /** Whether something is to be asked by the answer to this request, so that the handler counts for nothing more. */
  readonly asks: boolean
  /**
   * Once the handler has settled: the result that asks, as JSON text, when something is still to be asked. Rejects
   * with what the caller should be told when it cannot be asked.
   */
  outcome(): Promise<string | undefined>
}

/** What answers in place of a client that cannot be asked. */
export interface Fallbacks {
  readonly elicitation?: (question: FormQuestion) => FormAnswer<unknown> | Promise<FormAnswer<unknown>>
  readonly 'elicitation.url'?: (question: UrlQuestion) => UrlAnswer | Promise<UrlAnswer>
  readonly sampling?: (question: SamplingQuestion) => SamplingResult | Promise<SamplingResult>
  readonly roots?: () => readonly Root[] | Promise<readonly Root[]>
}

export interface InteractionOptions {
  /** The tool's, prompt's or resource's name, for messages. */
  readonly name: string
  readonly fallbacks: Fallbacks
  /** A `requestState` counts once only. */
  readonly singleUse: boolean
  /** Milliseconds that the call may take. */
  readonly timeoutMs: number
}

/** Makes the interaction of a request. Rejects with a ProtocolError for an answer or a state that must not count. */
export type OpenInteraction = (exchange: Exchange, options: InteractionOptions) => Promise<Interaction>

/** Whether a request comes back with answers, so that its interaction must be opened before its handler runs. */
export function bringsAnswers(exchange: Exchange): boolean {
  const { params, dialect } = exchange
  return (
    dialect.revision.asks === 'replay' &&
    (params['requestState'] !== undefined || params['inputResponses'] !== undefined)
  )
}

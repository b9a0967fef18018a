import { type Principal, principalKey } from '../../contracts/principal.js'
import type { Call, CallKind } from '../../engine/call.js'
import { findNonJson } from '../../engine/json-value.js'
import type { Definition, MiddlewareFactory } from '../../engine/pipeline.js'
import type { CacheSetting } from '../../engine/policies.js'
import { asToolResult, fromKept, type KeptToolResult } from '../../engine/tool-result.js'
import { canonicalJson } from '../../protocol/canonical-json.js'
import { isRecord } from '../../protocol/json-rpc.js'
import type { AnswerCache, Wanted } from './answer-cache.js'

/**
 * Serves answers of definitions with a `cache` again. It stands behind whatever decides who may ask and with what, and keeps what
 * came back checked and cleaned.
 */
export function cache(answers: () => Promise<AnswerCache>): MiddlewareFactory {
  let loaded: AnswerCache | undefined
  return (definition) => {
    const { cache: setting } = definition
    if (setting === undefined) return undefined
    const noAsking = Promise.reject<never>(cannotAsk(definition.name))
    noAsking.catch(() => undefined)
    return function cache(call, next) {
      const wanted = wantedBy(definition, setting, noAsking, call)
      if (wanted === undefined) return next()
      if (loaded !== undefined) return loaded.answer(wanted, call, next)
      return answers().then((made) => {
        loaded = made
        return made.answer(wanted, call, next)
      })
    }
  }
}

/** Undefined for input that JSON cannot tell apart: then there is no key, and the call is made. */
function wantedBy(
  definition: Definition,
  setting: CacheSetting,
  noAsking: Promise<never>,
  call: Call,
): Wanted | undefined {
  const { kind, name, input } = call
  if (findNonJson(input ?? null) !== undefined) return undefined
  const { exchange } = call
  const whose = setting.scope === 'public' ? '*' : audienceOf(exchange.principal)
  if (whose === undefined) return undefined
  const tags = setting.tags(input)
  return {
    key: `${exchange.dialect.revision.version}\n${kind}\n${name}\n${whose}\n${canonicalJson(input ?? null)}`,
    tags:
      kind === 'resource' ? [...tags, resourceTag(input)] : kind === 'listing' ? [...tags, listingTag] : tags,
    setting,
    timeoutMs: definition.timeoutMs,
    noAsking,
    write: writers[kind],
    read: readers[kind],
  }
}

/** What differs with each token of the same caller, and says nothing of what he may see (RFC 7519 §4.1, OpenID Connect Core §2). */
const ofOneToken: ReadonlySet<string> = new Set([
  'exp',
  'iat',
  'nbf',
  'jti',
  'auth_time',
  'nonce',
  'sid',
  'at_hash',
  'c_hash',
])

/** Principals live as long as their credential is kept; what they are told apart by need not be written for each call. */
const audiences = new WeakMap<Principal, { readonly key: string | undefined }>()

/**
 * Callers for whom a handler must come to the same answer: it sees the principal, and so what was granted and claimed belongs to
 * the key, not only who it is. Undefined for claims that JSON cannot tell apart.
 */
function audienceOf(principal: Principal): string | undefined {
  const known = audiences.get(principal)
  if (known !== undefined) return known.key
  const { kind, permissions } = principal
  const claims = Object.fromEntries(
    Object.entries(principal.claims).filter(([name]) => !ofOneToken.has(name)),
  )
  const key =
    findNonJson(claims) === undefined
      ? canonicalJson([kind, principalKey(principal), [...permissions].sort(), claims])
      : undefined
  audiences.set(principal, { key })
  return key
}

/** What every template's own list is known by. */
export const listingTag = 'resources/list'

function resourceTag(input: unknown): string {
  const uri = isRecord(input) ? input['uri'] : undefined
  return tagOfResource(typeof uri === 'string' ? uri : '')
}

/** What an answer is known by that was read from this URI. */
export function tagOfResource(uri: string): string {
  return `resource:${uri}`
}

/** A tool's error is no answer to keep; nor is a resource that is not there. */
function writeTool(result: unknown): string | undefined {
  const toolResult = asToolResult(result, false)
  return toolResult.isError ? undefined : JSON.stringify(toolResult)
}

function writeValue(result: unknown): string | undefined {
  return result === undefined ? undefined : JSON.stringify(result)
}

function readTool(text: string): unknown {
  return fromKept(JSON.parse(text) as KeptToolResult)
}

const writers: Readonly<Record<CallKind, Wanted['write']>> = {
  tool: writeTool,
  resource: writeValue,
  prompt: writeValue,
  completion: writeValue,
  listing: writeValue,
}

const readers: Readonly<Record<CallKind, Wanted['read']>> = {
  tool: readTool,
  resource: JSON.parse,
  prompt: JSON.parse,
  completion: JSON.parse,
  listing: JSON.parse,
}

function cannotAsk(name: string): Error {
  return new Error(`"${name}" has a cache, so its handler cannot ask a client: its answer is for many calls.`)
}

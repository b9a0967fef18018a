import { type Duration, toMs } from '../engine/duration.js'
import {
  checkOptions,
  isObject,
  listOf,
  methods,
  type OptionTable,
  type Rule,
  rule,
  whole,
} from '../engine/option-rules.js'
import { DefinitionError } from '../errors/definition-error.js'
import { shown } from '../errors/shown.js'

/** @throws DefinitionError that names the option; `owner` begins the sentence */
export function checkTable(given: unknown, table: OptionTable, owner: string): void {
  if (!isObject(given))
    throw new DefinitionError(`${owner}the options must be an object; write ${table.example}.`)
  checkOptions(given, table, '', owner)
}

/** Scopes that ask for everything, or for a token that outlives the session: no first request has them (protocol 2026-07-28). */
const tooMuch: ReadonlySet<string> = new Set(['*', 'all', 'full-access', 'offline_access'])
/** RFC 6749 §3.3, scope-token: what can stand in a challenge. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** A text that must be just what somebody else writes. */
export const line: Rule = rule(
  (value) => typeof value === 'string' && value.trim() === value && value !== '',
  'a text that is not empty and has no space around it',
  'write it as the issuer does',
)
export const durationText: Rule = (value, path, who) => {
  toMs(value as Duration, `${who}"${path}"`)
}

const scopeList: Rule = (value, path, who) => {
  listOf(
    rule(
      (scope) => typeof scope === 'string' && scopeToken.test(scope),
      'a scope without spaces and quotes',
      'write names such as "orders:read"',
    ),
    'write ["orders:read"]',
  )(value, path, who)
  const wrong = (value as readonly string[]).find((scope) => tooMuch.has(scope))
  if (wrong === undefined) return
  throw new DefinitionError(
    `${who}"${path}" tells every caller what to ask for first, and ${shown(wrong)} is too much for that; name the few scopes that a first call needs.`,
  )
}

const serverList: Rule = listOf(
  rule(
    (value) => typeof value === 'string' && /^https?:\/\/[^\s"]+$/.test(value),
    'the address of an authorization server',
    'write ["https://idp.example.com"]',
  ),
  'write ["https://idp.example.com"]',
)

/** What a table of options says of times and limits, here and for other authenticators. */
export const commonRules: Readonly<Record<string, Rule>> = {
  permissions: rule((value) => typeof value === 'function', 'a function', 'write (claims) => [...]'),
  verifiedTtl: durationText,
  maxVerified: whole(1, 10_000_000, 'leave it out for 10000'),
  scopes: scopeList,
  authorizationServers: serverList,
  fetch: rule(isObject, 'an object', "write { allow: ['10.0.0.0/8'] }, or leave it out"),
  clock: methods(['now', 'monotonic', 'after'], 'give a clock that has all three, or leave it out'),
}

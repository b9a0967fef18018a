import { checkOptions, isObject, type OptionTable, type Rule, whole } from './option-rules.js'
import type { ResultBudget } from './result-size.js'

/** How much of a result is sent: bytes, or each of what may be limited. */
export type ResultLimit = number | ResultLimits

export interface ResultLimits {
  /**
   * Of the structured value as JSON and of the content beside it, as UTF-8; the text that stands for the structured value is not
   * counted a second time. From 4,096. Default: 1,000,000.
   */
  readonly bytes?: number
  /** The same in tokens, estimated from the text. From 1,024. Default: none. Hosts are known to refuse results from 25,000. */
  readonly tokens?: number
  /** Items that are taken of a source (`async function*`) into one result. Default: as many as fit. */
  readonly items?: number
}

const most = Number.MAX_SAFE_INTEGER
const bytes = whole(4096, most, 'leave it out for 1000000')

export const resultTable: OptionTable = {
  what: 'a limit of results',
  example: '{ bytes: 1_000_000, tokens: 25_000 }',
  rules: {
    bytes,
    tokens: whole(1024, most, 'write 25000, or leave it out'),
    items: whole(1, most, 'leave it out for as many as fit'),
  } satisfies Record<keyof ResultLimits, Rule>,
}

/** A number of bytes, or an object of limits. */
export const resultLimit: Rule = (value, path, owner) => {
  if (isObject(value)) checkOptions(value, resultTable, path, owner)
  else bytes(value, path, owner)
}

const standard: ResultBudget = { bytes: 1_000_000, tokens: undefined, items: most }

/** A definition's own limits over those of its server. */
export function toBudget(limit: ResultLimit | undefined, server: ResultBudget = standard): ResultBudget {
  if (limit === undefined) return server
  if (typeof limit === 'number') return { ...server, bytes: limit }
  return {
    bytes: limit.bytes ?? server.bytes,
    tokens: limit.tokens ?? server.tokens,
    items: limit.items ?? server.items,
  }
}

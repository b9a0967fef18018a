import type { CacheTags } from './definitions.js'
import {
  checkOptions,
  duration,
  isObject,
  type OptionTable,
  oneOf,
  type Rule,
  refuse,
  rule,
  whole,
} from './option-rules.js'
import type { CacheOptions, ConcurrencyOptions, RateLimitOptions } from './policies.js'

const per = oneOf(['principal', 'everyone'], 'say whether each caller has the limit to itself')

const rateRules = {
  limit: whole(1, 1e9, 'say how many calls in "per"'),
  per: duration,
  burst: whole(1, 1e9, 'leave it out for as many as "limit"'),
}

/** A rate without whose it is, for the limits of a server. */
export const rateTable: OptionTable = {
  what: 'a rate',
  example: "{ limit: 60, per: '1m' }",
  required: ['limit', 'per'],
  rules: rateRules,
}

export const rateLimitTable: OptionTable = {
  ...rateTable,
  what: 'a rate limit',
  rules: { ...rateRules, by: per } satisfies Record<keyof RateLimitOptions, Rule>,
}

const atOnce = whole(1, 1e6, 'say how many calls may run at once')

const concurrencyTable: OptionTable = {
  what: 'a limit of concurrency',
  example: '{ limit: 8, queue: 80 }',
  required: ['limit'],
  rules: {
    limit: atOnce,
    queue: whole(0, 1e6, 'leave it out for ten times as many as "limit"'),
    by: per,
  } satisfies Record<keyof ConcurrencyOptions, Rule>,
}

/** A number of calls, or that with how many may wait. */
export const concurrency: Rule = (value, path, owner) => {
  if (isObject(value)) checkOptions(value, concurrencyTable, path, owner)
  else atOnce(value, path, owner)
}

export const cacheTable: OptionTable = {
  what: 'a cache',
  example: "{ ttl: '5m' }",
  required: ['ttl'],
  rules: {
    ttl: duration,
    scope: oneOf(['principal', 'public'], 'leave it out for "principal"'),
    staleWhileRevalidate: duration,
    tags: rule((value) => typeof value === 'function', 'a function', "write (input) => ['orders']"),
  } satisfies Record<keyof (CacheOptions & CacheTags<unknown>), Rule>,
}

/** RFC 6749 §3.3: what a scope can be, because a challenge names permissions as scopes. */
const permissionName = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/

const permissionList: Rule = (value, path, owner) => {
  const mend = "write ['orders:read']"
  if (!Array.isArray(value) || value.length === 0)
    refuse(owner, path, 'an array with a permission in it', value, mend)
  for (const [index, one] of value.entries()) {
    if (typeof one === 'string' && permissionName.test(one)) continue
    refuse(
      owner,
      `${path}[${index}]`,
      'a name of visible ASCII without spaces, quotes and backslashes',
      one,
      mend,
    )
  }
}

const anyOfTable: OptionTable = {
  what: 'permissions',
  example: "{ anyOf: ['orders:read', 'orders:admin'] }",
  required: ['anyOf'],
  rules: { anyOf: permissionList },
}

/** What a caller needs: shared by definitions and groups. */
export const accessRules: Readonly<Record<'permissions' | 'visible', Rule>> = {
  permissions: (value, path, owner) => {
    if (isObject(value)) checkOptions(value, anyOfTable, path, owner)
    else permissionList(value, path, owner)
  },
  visible: rule((value) => typeof value === 'function', 'a function', 'write (principal) => true or false'),
}

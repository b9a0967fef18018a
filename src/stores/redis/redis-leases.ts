import type { Leases } from '../../contracts/leases.js'
import type { RedisLink } from './redis-link.js'
import { RedisScript } from './redis-script.js'

// KEYS in each: the deadlines by id (a sorted set), the holders by id (a hash).
const begin = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ids = {}
`
/** A fleet that never comes back leaves nothing behind; any that lives writes long before. */
const end = `
redis.call('PEXPIRE', KEYS[1], 604800000)
redis.call('PEXPIRE', KEYS[2], 604800000)
return ids
`

/** ARGV: holder, milliseconds, ids. */
const hold = new RedisScript(`${begin}
for i = 3, #ARGV do
  local holder = redis.call('HGET', KEYS[2], ARGV[i])
  if holder and holder ~= ARGV[1] then
    ids[#ids + 1] = ARGV[i]
  else
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[1])
    redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i])
  end
end
${end}`)

/** ARGV: holder, ids. */
const release = new RedisScript(`
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[1] then
    redis.call('HDEL', KEYS[2], ARGV[i])
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return 0
`)

/** ARGV: holder, milliseconds, limit. */
const claim = new RedisScript(`${begin}
ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  redis.call('HSET', KEYS[2], id, ARGV[1])
  redis.call('ZADD', KEYS[1], now + ARGV[2], id)
end
${end}`)

/** Leases by the clock of Redis. */
export class RedisLeases implements Leases {
  readonly #link: RedisLink
  readonly #keys: readonly string[]

  constructor(link: RedisLink, prefix: string) {
    this.#link = link
    this.#keys = [`${prefix}deadlines`, `${prefix}holders`]
  }

  async hold(ids: readonly string[], holder: string, ttlMs: number): Promise<readonly string[]> {
    if (ids.length === 0) return []
    return (await hold.run(this.#link, this.#keys, [holder, ttlMs, ...ids])) as string[]
  }

  async release(ids: readonly string[], holder: string): Promise<void> {
    if (ids.length > 0) await release.run(this.#link, this.#keys, [holder, ...ids])
  }

  async claim(holder: string, limit: number, ttlMs: number): Promise<readonly string[]> {
    return (await claim.run(this.#link, this.#keys, [holder, ttlMs, limit])) as string[]
  }
}

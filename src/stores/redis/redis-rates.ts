import type { RateClaim, RateDecision, RateStore } from '../../contracts/rate-store.js'
import type { RedisLink } from './redis-link.js'
import { RedisScript } from './redis-script.js'

/** Milliseconds: what sums of fractions are off by is less. */
const tolerance = 2 ** -7

/**
 * GCRA. Each key holds the time, in milliseconds of Redis's own clock, at which all that was taken will have come back; a
 * claim passes while that time is no further away than `burst` intervals. First all claims are judged, then all are taken:
 * no other command runs between. A key lives until it has recovered, when it says no more than no key.
 *
 * Lua prints 14 digits of a number by itself, which loses fractions of a millisecond, hence the format. The hundredth of
 * a millisecond is for the fractions that doubles of this size cannot hold.
 *
 * KEYS: one for each claim. ARGV: interval, burst and cost of each. Returns 0, or { place from 0, milliseconds as text }.
 */
const take = new RedisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local full = {}
local refused, wait
for i, key in ipairs(KEYS) do
  local interval, burst, cost = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local at = full[key] or tonumber(redis.call('GET', key) or now)
  -- A clock that was set back, or a burst that was larger before, must not lock anybody out for longer than the burst.
  if full[key] == nil then at = math.max(now, math.min(at, now + burst * interval)) end
  at = at + cost * interval
  full[key] = at
  local over = at - now - burst * interval
  if over > 0.01 and (wait == nil or over > wait) then
    refused, wait = i, over
  end
end
if refused then return { refused - 1, string.format('%.3f', wait) } end
for key, at in pairs(full) do
  redis.call('SET', key, string.format('%.4f', at), 'PX', math.max(1, math.ceil(at - now)))
end
return 0
`)

/** Rates that count once for all nodes, by the clock of Redis: those of the nodes may differ. */
export class RedisRates implements RateStore {
  readonly #link: RedisLink
  readonly #prefix: string

  constructor(link: RedisLink, prefix: string) {
    this.#link = link
    this.#prefix = prefix
  }

  async take(claims: readonly RateClaim[]): Promise<RateDecision> {
    const hopeless = firstHopeless(claims)
    if (hopeless >= 0) return { allowed: false, refused: hopeless, retryAfterMs: Number.POSITIVE_INFINITY }
    if (claims.length === 0) return { allowed: true }
    const answer = await take.run(
      this.#link,
      claims.map(({ key }) => this.#prefix + key),
      claims.flatMap(({ rate, cost }) => [rate.intervalMs, rate.burst, cost]),
    )
    if (!Array.isArray(answer)) return { allowed: true }
    const [refused, wait] = answer as [number, string]
    return { allowed: false, refused, retryAfterMs: Math.ceil(Number(wait) - tolerance) }
  }
}

/** The first claim that asks for more than its burst, with what earlier ones take of the same key; or -1. */
function firstHopeless(claims: readonly RateClaim[]): number {
  const taken = new Map<string, number>()
  return claims.findIndex(({ key, cost, rate: { intervalMs, burst } }) => {
    // Redis would keep what is no number, and let everybody through from then on.
    if (![cost, intervalMs, burst].every((number) => Number.isFinite(number) && number >= 0)) {
      throw new RangeError(
        `The rate of ${JSON.stringify(key)} must have numbers from 0 for interval, burst and cost.`,
      )
    }
    const all = (taken.get(key) ?? 0) + cost * intervalMs
    taken.set(key, all)
    return all > burst * intervalMs + tolerance
  })
}

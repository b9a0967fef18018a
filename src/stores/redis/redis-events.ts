import type { EventStore, KeptEvent, KeptEvents } from '../../contracts/event-store.js'
import type { RedisLink } from './redis-link.js'
import { RedisScript } from './redis-script.js'

/** How long a stream is kept that may go on, after its newest event; and one that has ended. */
const openMs = 30 * 60_000
const endedMs = 5 * 60_000
/** Of one stream; the first ones of a larger one are gone. */
const maxStreamBytes = 4 * 1024 * 1024

/**
 * KEYS: the stream, the index of all by when they expire, their sizes with the sum of all under ''. ARGV: writer, what the
 * stream's key begins with, id, milliseconds to live, bytes for all, bytes for one, then number and text of each event.
 * What is full loses the streams that would expire first. Returns 1, or 0 when the stream is another's.
 */
const append = new RedisScript(`
local writer = redis.call('HGET', KEYS[1], 'writer')
if writer and writer ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function drop(id)
  local size = tonumber(redis.call('HGET', KEYS[3], id) or 0)
  redis.call('HINCRBY', KEYS[3], '', -size)
  redis.call('HDEL', KEYS[3], id)
  redis.call('ZREM', KEYS[2], id)
  redis.call('DEL', ARGV[2] .. id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 100)) do drop(id) end
local added = 0
for i = 7, #ARGV, 2 do added = added + #ARGV[i + 1] + 100 end
if not writer then added = added + 200 end
if tonumber(redis.call('HGET', KEYS[3], ARGV[3]) or 0) + added > tonumber(ARGV[6]) then drop(ARGV[3]) end
redis.call('HSET', KEYS[1], 'writer', ARGV[1])
for i = 7, #ARGV, 2 do redis.call('HSET', KEYS[1], 'e' .. ARGV[i], ARGV[i + 1], 'last', ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[3])
redis.call('HINCRBY', KEYS[3], ARGV[3], added)
local total = redis.call('HINCRBY', KEYS[3], '', added)
while total > tonumber(ARGV[5]) do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not oldest then break end
  drop(oldest)
  total = tonumber(redis.call('HGET', KEYS[3], ''))
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return 1
`)

/** KEYS: the stream, the index. ARGV: writer, id, milliseconds to live. */
const end = new RedisScript(`
if redis.call('HGET', KEYS[1], 'writer') ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'ended', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[2])
return 1
`)

/** KEYS: the stream. ARGV: number of the event that was seen, who takes the stream, or ''. Returns whether it has ended, and the texts. */
const after = new RedisScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local found = { redis.call('HGET', KEYS[1], 'ended') or '0' }
for i = ARGV[1] + 1, tonumber(redis.call('HGET', KEYS[1], 'last') or 0) do
  local text = redis.call('HGET', KEYS[1], 'e' .. i)
  if not text then return false end
  found[#found + 1] = text
end
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'writer', ARGV[2]) end
return found
`)

/** KEYS: the stream, the index, the sizes. ARGV: id. */
const forget = new RedisScript(`
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
local size = redis.call('HGET', KEYS[3], ARGV[1])
if size then
  redis.call('HINCRBY', KEYS[3], '', -size)
  redis.call('HDEL', KEYS[3], ARGV[1])
end
return 1
`)

/** Events of streams in Redis: each stream is one hash, and its texts are fields of it. */
export class RedisEvents implements EventStore {
  readonly #link: RedisLink
  readonly #prefix: string
  readonly #maxBytes: number

  constructor(link: RedisLink, prefix: string, maxBytes: number) {
    this.#link = link
    this.#prefix = prefix
    this.#maxBytes = maxBytes
  }

  async append(stream: string, writer: string, events: readonly KeptEvent[]): Promise<boolean> {
    const fields = events.flatMap(({ sequence, text }) => [sequence, text])
    const args = [writer, this.#key(''), stream, openMs, this.#maxBytes, maxStreamBytes, ...fields]
    return (await append.run(this.#link, this.#keys(stream), args)) === 1
  }

  async end(stream: string, writer: string): Promise<void> {
    await end.run(this.#link, this.#keys(stream).slice(0, 2), [writer, stream, endedMs])
  }

  async after(stream: string, sequence: number, taker = ''): Promise<KeptEvents | undefined> {
    const found = await after.run(this.#link, [this.#key(stream)], [sequence, taker])
    if (!Array.isArray(found)) return undefined
    const [ended, ...texts] = found as string[]
    return {
      events: texts.map((text, at) => ({ sequence: sequence + 1 + at, text })),
      ended: ended === '1',
    }
  }

  async forget(stream: string): Promise<void> {
    await forget.run(this.#link, this.#keys(stream), [stream])
  }

  #keys(stream: string): string[] {
    return [this.#key(stream), `${this.#prefix}index`, `${this.#prefix}sizes`]
  }

  #key(stream: string): string {
    return `${this.#prefix}of:${stream}`
  }
}

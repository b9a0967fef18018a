import { isTerminal, type TaskRecord, type TaskStore } from '../../contracts/task-store.js'
import type { RedisLink } from './redis-link.js'
import { RedisScript } from './redis-script.js'
import { expiry } from './redis-store.js'

/**
 * KEYS: the task, the index of all tasks by when they expire. ARGV: whether it has ended, record, attempt, milliseconds to
 * live, limit, id, and what it takes to run it again, if that is kept. Returns 1, or 0 when there is no room.
 */
const create = new RedisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then return 0 end
redis.call('HSET', KEYS[1], 'ended', ARGV[1], 'record', ARGV[2], 'attempt', ARGV[3])
if ARGV[7] then redis.call('HSET', KEYS[1], 'call', ARGV[7]) end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[6])
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[2]), ARGV[4]))
return 1
`)

/** KEYS: the task. ARGV: whether it has ended, record, attempt. Its time to live stays as it is. */
const update = new RedisScript(`
if redis.call('HGET', KEYS[1], 'ended') ~= '0' then return 0 end
if tonumber(redis.call('HGET', KEYS[1], 'attempt') or 0) > tonumber(ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'ended', ARGV[1], 'record', ARGV[2], 'attempt', ARGV[3])
if ARGV[1] == '1' then redis.call('HDEL', KEYS[1], 'call') end
return 1
`)

/** KEYS and ARGV as for an update. Returns what it takes to run the task again, or nothing when this attempt may not begin. */
const restart = new RedisScript(`
if redis.call('HGET', KEYS[1], 'ended') ~= '0' then return false end
if tonumber(redis.call('HGET', KEYS[1], 'attempt') or 0) >= tonumber(ARGV[3]) then return false end
local call = redis.call('HGET', KEYS[1], 'call')
if call then redis.call('HSET', KEYS[1], 'record', ARGV[2], 'attempt', ARGV[3]) end
return call
`)

export interface RedisTasksOptions {
  /** Tasks that are kept at once, by all nodes together. */
  readonly limit: number
  /** Characters of one record. */
  readonly maxLength: number
}

/** Tasks in Redis: any node finds them, and what has ended stays as it ended, whoever else writes. */
export class RedisTasks implements TaskStore {
  readonly #link: RedisLink
  readonly #prefix: string
  readonly #options: RedisTasksOptions

  constructor(link: RedisLink, prefix: string, options: RedisTasksOptions) {
    this.#link = link
    this.#prefix = prefix
    this.#options = options
  }

  async create(record: TaskRecord, call?: string): Promise<void> {
    const { limit } = this.#options
    const ttlMs = record.createdAt + record.ttlMs - Date.now()
    const args = [...this.#fields(record), expiry(ttlMs), limit, record.id]
    if (call !== undefined) args.push(call)
    if ((await create.run(this.#link, [this.#key(record.id), `${this.#prefix}index`], args)) === 1) return
    throw new Error(`The task store is full: ${limit} tasks whose time is not over.`)
  }

  async get(id: string): Promise<TaskRecord | undefined> {
    const record = await this.#link.call('HGET', this.#key(id), 'record')
    return typeof record === 'string' ? (JSON.parse(record) as TaskRecord) : undefined
  }

  async update(record: TaskRecord): Promise<void> {
    await update.run(this.#link, [this.#key(record.id)], this.#fields(record))
  }

  async restart(record: TaskRecord): Promise<string | undefined> {
    const call = await restart.run(this.#link, [this.#key(record.id)], this.#fields(record))
    return typeof call === 'string' ? call : undefined
  }

  #key(id: string): string {
    return `${this.#prefix}of:${id}`
  }

  #fields(record: TaskRecord): [ended: string, text: string, attempt: number] {
    const text = JSON.stringify(record)
    const { maxLength } = this.#options
    if (text.length > maxLength) {
      throw new Error(
        `A task may have ${maxLength} characters, its result included; this one has ${text.length}.`,
      )
    }
    return [isTerminal(record.status) ? '1' : '0', text, record.attempt ?? 0]
  }
}

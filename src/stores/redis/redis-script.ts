import { createHash } from 'node:crypto'
import { isReply, type RedisLink } from './redis-link.js'

/** A Lua script that is sent once and then named by its digest. */
export class RedisScript {
  readonly #text: string
  readonly #digest: string

  constructor(text: string) {
    this.#text = text
    // Redis names scripts by SHA-1; nothing is kept safe by it.
    this.#digest = createHash('sha1').update(text).digest('hex')
  }

  async run(link: RedisLink, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    try {
      return await link.call('EVALSHA', this.#digest, keys.length, ...keys, ...args)
    } catch (error) {
      // Its first run on this Redis, or the first since it was restarted or flushed: nothing was done.
      if (!isReply(error) || !error.message.startsWith('NOSCRIPT')) throw error
      return link.call('EVAL', this.#text, keys.length, ...keys, ...args)
    }
  }
}

import type { Redis } from 'ioredis'
import type { Bus } from '../../contracts/bus.js'
import { isReply, type RedisLink } from './redis-link.js'

const idLength = 12

/**
 * The bus over Redis's publish and subscribe: at most once, to whoever listens at that moment. What this process
 * publishes its own listeners hear as soon as Redis has taken it, whether or not this process can listen to Redis just
 * then; when Redis does not take it, `publish` rejects and nobody here has heard it.
 */
export class RedisBus implements Bus {
  readonly #commands: RedisLink
  readonly #subscriber: RedisLink
  readonly #prefix: string
  readonly #topics = new Map<string, Set<(message: string) => void>>()
  /** Stands in front of each message, so that a process knows its own when they come back. */
  readonly #node = crypto.randomUUID().replaceAll('-', '').slice(0, idLength)

  constructor(commands: RedisLink, subscriber: RedisLink, prefix: string) {
    this.#commands = commands
    this.#subscriber = subscriber
    this.#prefix = prefix
  }

  async publish(topic: string, message: string): Promise<void> {
    await this.#commands.call('PUBLISH', this.#prefix + topic, this.#node + message)
    this.#tell(topic, message)
  }

  subscribe(topic: string, listener: (message: string) => void): () => void {
    // So that the first message need not wait for a connection.
    this.#commands.start()
    const listeners = this.#topics.get(topic) ?? new Set()
    const isNew = listeners.size === 0
    this.#topics.set(topic, listeners)
    // A function of its own, so that one listener may subscribe twice.
    const own = (message: string): void => listener(message)
    listeners.add(own)
    if (isNew) this.#listenTo(topic)
    return () => {
      listeners.delete(own)
      if (listeners.size > 0 || this.#topics.get(topic) !== listeners) return
      this.#topics.delete(topic)
      this.#subscriber.call('unsubscribe', this.#prefix + topic).catch(() => undefined)
    }
  }

  /** For each new connection of the subscriber. */
  async listen(client: Redis): Promise<void> {
    client.removeAllListeners('message')
    client.on('message', (channel: string, message: string) => {
      if (message.startsWith(this.#node)) return
      this.#tell(channel.slice(this.#prefix.length), message.slice(idLength))
    })
    // More may be asked for while the first are on their way.
    const done = new Set<string>()
    for (;;) {
      const topics = [...this.#topics.keys()].filter((topic) => !done.has(topic))
      if (topics.length === 0) return
      await client.subscribe(...topics.map((topic) => this.#prefix + topic))
      for (const topic of topics) done.add(topic)
    }
  }

  #listenTo(topic: string): void {
    this.#subscriber.call('subscribe', this.#prefix + topic).catch((error: unknown) => {
      // Refused by Redis itself: it would be again.
      if (isReply(error)) return
      // While there is no connection the next one subscribes to all topics. Just now it may have done that already, and
      // not to this one; to be subscribed twice is to be subscribed once.
      setTimeout(() => {
        if (this.#topics.has(topic) && this.#subscriber.ready) this.#listenTo(topic)
      }, 50).unref()
    })
  }

  #tell(topic: string, message: string): void {
    for (const listener of this.#topics.get(topic) ?? []) listener(message)
  }
}

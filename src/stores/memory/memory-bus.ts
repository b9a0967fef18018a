import type { Bus } from '../../contracts/bus.js'

/** The bus of a server that runs alone: what is published is heard in this process, at once. */
export function createMemoryBus(): Bus {
  /** Topics are few and ours, and each has a listener or two. */
  const topics = new Map<string, Set<(message: string) => void>>()
  return {
    publish(topic, message) {
      for (const listener of topics.get(topic) ?? []) listener(message)
    },
    subscribe(topic, listener) {
      const listeners = topics.get(topic) ?? new Set()
      topics.set(topic, listeners)
      // A function of its own, so that one listener may subscribe twice.
      const own = (message: string): void => listener(message)
      listeners.add(own)
      return () => {
        listeners.delete(own)
      }
    },
  }
}

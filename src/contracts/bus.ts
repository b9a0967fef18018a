/**
 * Carries small messages between the nodes that serve the same server: cache invalidations, cancels,
 * change notices. Delivery is at most once and unordered between topics; a subscriber must bear both.
 */
export interface Bus {
  publish(topic: string, message: string): void | Promise<void>
  /** Returns the function that ends the subscription. */
  subscribe(topic: string, listener: (message: string) => void): () => void
}

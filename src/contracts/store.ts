/**
 * Keeps values by key for a time, shared between nodes when its implementation is. Values are opaque
 * strings; a missing and an expired entry are the same. Every call may reject when the store is out of
 * reach, and each user of it decides whether to fail open or closed.
 */
export interface Store {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  /** Sets only where nothing is; answers whether it did. */
  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean>
  delete(key: string): Promise<void>
}

/**
 * Keeps what is derived from an object as long as the object lives, and no longer: parsed settings, a prepared statement, a schema
 * that was compiled. The object is known by itself and not by what is in it, so change it no more.
 *
 * What `derive` throws is not kept. A promise is, until it rejects.
 */
export function weakCache<Key extends object, Value>(derive: (key: Key) => Value): (key: Key) => Value {
  const derived = new WeakMap<Key, { readonly value: Value }>()
  return (key) => {
    const before = derived.get(key)
    if (before !== undefined) return before.value
    const kept = { value: derive(key) }
    derived.set(key, kept)
    if (kept.value instanceof Promise) {
      kept.value.catch(() => {
        if (derived.get(key) === kept) derived.delete(key)
      })
    }
    return kept.value
  }
}

type AnyFunction = (...args: unknown[]) => unknown

/** Stands for a replaced method: `call` reaches the original with the same `this`, `patched` is what callers called. */
export type Replacement = (
  args: unknown[],
  call: (args: unknown[]) => unknown,
  patched: (...args: never[]) => unknown,
) => unknown

/** A set of replaced methods that can be put back. */
export interface Patches {
  /** Replaces `owner[name]`; a name that holds no function is left alone (older or newer Node). */
  replace(owner: object, name: string, replacement: Replacement): void
  restore(): void
}

/** Starts an empty set of replaced methods. */
export function createPatches(): Patches {
  const undo: (() => void)[] = []
  return {
    replace(owner, name, replacement) {
      const original: unknown = Reflect.get(owner, name)
      if (typeof original !== 'function') return
      const own = Object.getOwnPropertyDescriptor(owner, name)
      const patched: AnyFunction = function (this: unknown, ...args) {
        return replacement(args, (changed) => Reflect.apply(original, this, changed), patched)
      }
      const { prototype: _prototype, ...kept } = Object.getOwnPropertyDescriptors(original)
      // The symbols among them tell util.promisify what to resolve with.
      Object.defineProperties(patched, kept)
      Object.defineProperty(owner, name, {
        value: patched,
        writable: true,
        configurable: true,
        enumerable: true,
      })
      undo.push(() => {
        if (own === undefined) Reflect.deleteProperty(owner, name)
        else Object.defineProperty(owner, name, own)
      })
    },
    restore() {
      for (const step of undo.splice(0).reverse()) step()
    },
  }
}

import { DefinitionError } from '../errors/definition-error.js'

/** What `server.tool()` and its kin give back, to change the definition's availability while serving. */
export interface DefinitionHandle {
  readonly name: string
  readonly enabled: boolean
  /** In no list and not callable until enabled again. */
  disable(): void
  enable(): void
  /** For good; the name is free again. */
  remove(): void
}

/**
 * The definitions of one kind, in the order in which they were added (lists keep it, so that a client sees
 * the same order each time). One Map look-up finds one, however many there are.
 */
export class Registry<Entry extends { readonly name: string }> {
  readonly #kind: string
  readonly #onChange: () => void
  readonly #entries = new Map<string, { readonly entry: Entry; enabled: boolean }>()
  #version = 0
  #enabled: readonly Entry[] | undefined

  constructor(kind: string, onChange: () => void = () => undefined) {
    this.#kind = kind
    this.#onChange = onChange
  }

  /** Grows with every change, so that what was made from the list knows when it is old. */
  get version(): number {
    return this.#version
  }

  get size(): number {
    return this.#entries.size
  }

  /** @throws DefinitionError when the name is taken. */
  add(entry: Entry): DefinitionHandle {
    const { name } = entry
    if (this.#entries.has(name)) {
      throw new DefinitionError(
        `There is a ${this.#kind} "${name}" already; give each ${this.#kind} a name of its own.`,
      )
    }
    const slot = { entry, enabled: true }
    this.#entries.set(name, slot)
    this.#changed()
    const setEnabled = (enabled: boolean): void => {
      if (slot.enabled === enabled || this.#entries.get(name) !== slot) return
      slot.enabled = enabled
      this.#changed()
    }
    return {
      name,
      get enabled() {
        return slot.enabled
      },
      disable: () => setEnabled(false),
      enable: () => setEnabled(true),
      remove: () => {
        if (this.#entries.get(name) !== slot) return
        slot.enabled = false
        this.#entries.delete(name)
        this.#changed()
      },
    }
  }

  get(name: string): Entry | undefined {
    const slot = this.#entries.get(name)
    return slot?.enabled === true ? slot.entry : undefined
  }

  /** The disabled ones too, in order. */
  all(): readonly Entry[] {
    return [...this.#entries.values()].map((slot) => slot.entry)
  }

  /** The enabled ones, in order. */
  list(): readonly Entry[] {
    this.#enabled ??= [...this.#entries.values()].filter((slot) => slot.enabled).map((slot) => slot.entry)
    return this.#enabled
  }

  #changed(): void {
    this.#version += 1
    this.#enabled = undefined
    this.#onChange()
  }
}

import type { Principal } from '../contracts/principal.js'
import type { Access } from './access.js'

export interface AudienceSource<Entry> {
  /** Grows when the entries change. */
  version(): number
  entries(): readonly Entry[]
}

/**
 * Who sees which entries of a list. Callers who were granted the same of what matters here have the same key, so that what was made
 * for one serves all of them.
 */
export class Audience<Entry extends { readonly access: Access | undefined }> {
  readonly #source: AudienceSource<Entry>
  readonly #keys = new WeakMap<Principal, { readonly version: number; readonly key: string }>()
  #version = -1
  #restricted: readonly Access[] = []
  #permissions: readonly string[] = []
  #judged = false

  constructor(source: AudienceSource<Entry>) {
    this.#source = source
  }

  /** Whether some callers see other entries than others. */
  get restricted(): boolean {
    this.#look()
    return this.#restricted.length > 0
  }

  /** Empty where everyone sees everything. */
  keyOf(principal: Principal): string {
    this.#look()
    if (this.#restricted.length === 0) return ''
    if (this.#judged) return this.#makeKey(principal)
    const known = this.#keys.get(principal)
    if (known?.version === this.#version) return known.key
    const key = this.#makeKey(principal)
    this.#keys.set(principal, { version: this.#version, key })
    return key
  }

  /** The entries that this caller sees. */
  entriesFor(principal: Principal): readonly Entry[] {
    const entries = this.#source.entries()
    return this.restricted ? entries.filter(({ access }) => access?.lists(principal) ?? true) : entries
  }

  #makeKey(principal: Principal): string {
    const granted = this.#permissions.map((one) => (principal.permissions.has(one) ? '1' : '0')).join('')
    if (!this.#judged) return granted
    const seen = this.#restricted.map((access) => (access.isVisible(principal) ? '1' : '0')).join('')
    return `${granted}/${seen}`
  }

  #look(): void {
    const version = this.#source.version()
    if (version === this.#version) return
    this.#version = version
    this.#restricted = this.#source.entries().flatMap(({ access }) => (access === undefined ? [] : [access]))
    this.#permissions = [...new Set(this.#restricted.flatMap((access) => access.permissions))].sort()
    this.#judged = this.#restricted.some((access) => access.judges)
  }
}

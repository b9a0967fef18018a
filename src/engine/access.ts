import type { Principal } from '../contracts/principal.js'

/** All of the named permissions, or any one of them. */
export type Permissions = readonly string[] | { readonly anyOf: readonly string[] }

export interface AccessOptions {
  /**
   * What a caller must have been granted, on every transport: the call is refused without it, and lists, completions, subscriptions
   * and tasks leave the definition out. A group's permissions are needed on top. Default: everyone may.
   */
  readonly permissions?: Permissions
  /** Hides the definition from some callers: it is in no list, and to them it does not exist. Must be quick and say the same each time. */
  readonly visible?: (principal: Principal) => boolean
}

/** Who may use a definition, and who knows of it. */
export class Access {
  /** Each must be met; one is met when every permission of one of its sets was granted. */
  readonly #needs: readonly (readonly (readonly string[])[])[]
  readonly #visible: readonly ((principal: Principal) => boolean)[]

  constructor(needs: readonly Permissions[], visible: readonly ((principal: Principal) => boolean)[]) {
    this.#needs = needs.map((need) => ('anyOf' in need ? need.anyOf.map((one) => [one]) : [need]))
    this.#visible = visible
  }

  /** Every permission that it asks after. */
  get permissions(): readonly string[] {
    return this.#needs.flat(2)
  }

  /** Whether a predicate decides beside permissions, so that only asking it tells. */
  get judges(): boolean {
    return this.#visible.length > 0
  }

  /** Whether it exists for this caller. */
  isVisible(principal: Principal): boolean {
    return this.#visible.every((visible) => visible(principal))
  }

  permits({ permissions }: Principal): boolean {
    for (const sets of this.#needs) {
      if (!sets.some((set) => set.every((permission) => permissions.has(permission)))) return false
    }
    return true
  }

  /** Whether it stands in this caller's lists. */
  lists(principal: Principal): boolean {
    return this.permits(principal) && this.isVisible(principal)
  }

  /** All that a caller would need; of alternatives the one that lacks least, the first of those. */
  required({ permissions }: Principal): readonly string[] {
    const lacks = (set: readonly string[]): number => set.filter((one) => !permissions.has(one)).length
    const chosen = this.#needs.map((sets) =>
      sets.reduce((best, set) => (lacks(set) < lacks(best) ? set : best), sets[0] ?? []),
    )
    return [...new Set(chosen.flat())]
  }
}

/** What the definition and the groups around it ask of a caller; undefined: nothing. */
export function accessOf(options: AccessOptions, groups: readonly AccessOptions[] = []): Access | undefined {
  const all = [...groups, options]
  const needs = all.flatMap(({ permissions }) => (permissions === undefined ? [] : [permissions]))
  const visible = all.flatMap(({ visible: one }) => (one === undefined ? [] : [one]))
  return needs.length + visible.length === 0 ? undefined : new Access(needs, visible)
}

/** Whether a definition exists for a caller at all. */
export function isHidden(entry: { readonly access: Access | undefined }, principal: Principal): boolean {
  return entry.access !== undefined && !entry.access.isVisible(principal)
}

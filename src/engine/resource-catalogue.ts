import type { Registry } from './registry.js'
import type { FixedResourceEntry, ResourceEntry, TemplateResourceEntry } from './resource-definition.js'

/** Both kinds of resource, found by URI: a fixed one by one look-up, else the first template that matches. */
export class ResourceCatalogue {
  readonly entries: Registry<ResourceEntry>
  #version = -1
  #fixed: ReadonlyMap<string, FixedResourceEntry> = new Map()
  #templates: readonly TemplateResourceEntry[] = []

  constructor(entries: Registry<ResourceEntry>) {
    this.entries = entries
  }

  get fixed(): readonly FixedResourceEntry[] {
    this.#refresh()
    return [...this.#fixed.values()]
  }

  get templates(): readonly TemplateResourceEntry[] {
    this.#refresh()
    return this.#templates
  }

  find(uri: string): { entry: ResourceEntry; params: Readonly<Record<string, string>> } | undefined {
    this.#refresh()
    const fixed = this.#fixed.get(uri)
    if (fixed !== undefined) return { entry: fixed, params: {} }
    for (const entry of this.#templates) {
      const params = entry.template.match(uri)
      if (params !== undefined) return { entry, params }
    }
    return undefined
  }

  #refresh(): void {
    if (this.#version === this.entries.version) return
    const fixed = new Map<string, FixedResourceEntry>()
    const templates: TemplateResourceEntry[] = []
    for (const entry of this.entries.list()) {
      if (entry.kind === 'fixed') fixed.set(entry.resource.uri, entry)
      else templates.push(entry)
    }
    this.#fixed = fixed
    this.#templates = templates
    this.#version = this.entries.version
  }
}

import type { Registry } from './registry.js'
import type { FixedResourceEntry, ResourceEntry, TemplateResourceEntry } from './resource-definition.js'

/** What a URI leads to. */
export interface FoundResource {
  readonly entry: ResourceEntry
  readonly params: Readonly<Record<string, string>>
}

/** Resources of the server's own that stand in no list: they are read by who was given their URI. */
export interface UnlistedResources {
  /** Whether any could be read, so that reading must be offered. */
  offered(): boolean
  find(uri: string): FoundResource | undefined
}

/** Both kinds of resource, found by URI: a fixed one by one look-up, else the first template that matches. */
export class ResourceCatalogue {
  readonly entries: Registry<ResourceEntry>
  /** Set by the feature that has them. */
  unlisted: UnlistedResources | undefined
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

  find(uri: string): FoundResource | undefined {
    this.#refresh()
    const fixed = this.#fixed.get(uri)
    if (fixed !== undefined) return { entry: fixed, params: {} }
    for (const entry of this.#templates) {
      const params = entry.template.match(uri)
      if (params !== undefined) return { entry, params }
    }
    return undefined
  }

  /** The same for reading, for which a resource need not be in a list. */
  findToRead(uri: string): FoundResource | undefined {
    return this.unlisted?.find(uri) ?? this.find(uri)
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

import { DefinitionError } from '../../errors/definition-error.js'
import { revision20241105 } from './2024-11-05.js'
import { revision20250326 } from './2025-03-26.js'
import { revision20250618 } from './2025-06-18.js'
import { revision20251125 } from './2025-11-25.js'
import { revision20260728 } from './2026-07-28.js'
import type { Revision } from './revision.js'

/** Every revision that Holdfast speaks, oldest first. */
export const revisions: readonly Revision[] = [
  revision20241105,
  revision20250326,
  revision20250618,
  revision20251125,
  revision20260728,
]

/** The revisions that one server serves. */
export class ServedRevisions {
  /** Oldest first. */
  readonly all: readonly Revision[]
  /** Version names, newest first, as errors and `server/discover` list them. */
  readonly versions: readonly string[]
  /** The newest one that is opened by `initialize`. */
  readonly newestHandshake: Revision | undefined
  readonly newestStateless: Revision | undefined
  readonly #byVersion: ReadonlyMap<string, Revision>

  /** @throws DefinitionError when `only` is empty or names a revision that does not exist. */
  constructor(only?: readonly string[]) {
    const known = revisions.map((revision) => revision.version)
    for (const version of only ?? []) {
      if (!known.includes(version)) {
        throw new DefinitionError(
          `"revisions" names ${JSON.stringify(version)}, which is no released revision; known are ${known.join(', ')}.`,
        )
      }
    }
    if (only?.length === 0) {
      throw new DefinitionError(
        `"revisions" is empty; name at least one of ${known.join(', ')}, or leave it out.`,
      )
    }
    this.all =
      only === undefined ? revisions : revisions.filter((revision) => only.includes(revision.version))
    this.versions = this.all.map((revision) => revision.version).reverse()
    this.newestHandshake = this.all.findLast((revision) => revision.era === 'handshake')
    this.newestStateless = this.all.findLast((revision) => revision.era === 'stateless')
    this.#byVersion = new Map(this.all.map((revision) => [revision.version, revision]))
  }

  get(version: string): Revision | undefined {
    return this.#byVersion.get(version)
  }
}

import type { Sealer } from '../contracts/sealer.js'
import { isRecord } from '../protocol/json-rpc.js'

/** What is known of one spilled file beside its bytes. */
export interface SpilledFile {
  /** Whose it is, as `principalKey` says it; empty: whoever has the id. */
  readonly owner: string
  readonly mimeType: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
  /** Where its parts begin, and the end of the last. */
  readonly marks: readonly number[]
}

const purpose = 'spill'

/** For another node: sealed, because who can write to the directory must not be able to say whose a file is. */
export function sealFile(sealer: Sealer, name: string, file: SpilledFile): Promise<string> {
  return sealer.seal(purpose, JSON.stringify({ name, ...file }))
}

/** Undefined for what was not sealed by this fleet, or for another file. */
export async function openFile(
  sealer: Sealer,
  name: string,
  sealed: string,
): Promise<SpilledFile | undefined> {
  const text = await sealer.open(purpose, sealed)
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  if (!isRecord(value) || value['name'] !== name) return undefined
  const { owner, mimeType, expiresAt, marks } = value
  if (typeof owner !== 'string' || typeof mimeType !== 'string' || typeof expiresAt !== 'number')
    return undefined
  if (!Array.isArray(marks) || !marks.every((mark) => Number.isSafeInteger(mark))) return undefined
  return { owner, mimeType, expiresAt, marks: marks as readonly number[] }
}

/** Types that are read as text; anything else travels as bytes. */
export function isTextType(mimeType: string): boolean {
  return /^text\/|^application\/(?:json|xml|yaml|x-ndjson|ndjson|jsonl|javascript|sql|csv|[^;]*\+(?:json|xml|yaml))(?:;|$)/i.test(
    mimeType,
  )
}

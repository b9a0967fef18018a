import { findNonJson } from '../engine/json-value.js'
import type { ToolResult } from '../engine/tool-result.js'
import { ToolError } from '../errors/tool-error.js'
import { isRecord } from '../protocol/json-rpc.js'
import type { ContentBlock } from '../protocol/types.js'
import { cleanText } from '../security/sanitize/clean-text.js'
import { cleanValue } from '../security/sanitize/clean-value.js'
import { NOTHING_REMOVED, RemovalTally, type RemovedText } from '../security/sanitize/removed-text.js'

export interface CleanedResult extends Pick<ToolResult, 'content' | 'structured'> {
  readonly removed: readonly RemovedText[]
}

/** A result's texts and structured strings, cleaned; the very same parts where nothing was removed. */
export function cleanResult({ content, structured }: ToolResult): CleanedResult {
  const tally = new RemovalTally()
  const blocks = content === undefined ? undefined : cleanBlocks(content, tally)
  const value = cleaned(structured, tally)
  return { content: blocks, structured: value, removed: tally.list() }
}

/** A tool error's sentences and data, cleaned; the very same error where nothing was removed. */
export function cleanError(error: ToolError): { error: ToolError; removed: readonly RemovedText[] } {
  const { cause, ...said } = error.details
  const { value, removed } = cleanValue({ ...said, message: error.message })
  if (removed.length === 0) return { error, removed: NOTHING_REMOVED }
  const details = value as ToolError['details'] & { readonly message: string }
  return { error: new ToolError(error.code, { ...details, ...(cause !== undefined && { cause }) }), removed }
}

function cleanBlocks(content: readonly ContentBlock[], tally: RemovalTally): readonly ContentBlock[] {
  let changed = false
  const blocks = content.map((block) => {
    const clean = cleanBlock(block, tally)
    if (clean !== block) changed = true
    return clean
  })
  return changed ? blocks : content
}

/** What a model reads of a block. Addresses stay: with a character less they would be another's. */
function cleanBlock(block: ContentBlock, tally: RemovalTally): ContentBlock {
  // What is no block is said where it is written.
  if (!isRecord(block)) return block
  switch (block.type) {
    case 'text':
      return withClean(block, ['text'], tally)
    case 'resource': {
      if (!isRecord(block.resource)) return block
      const resource = withClean(block.resource, ['text'], tally)
      return resource === block.resource ? block : { ...block, resource }
    }
    case 'resource_link':
      return withClean(block, ['name', 'title', 'description'], tally)
    default:
      return block
  }
}

function withClean<Part extends object>(part: Part, names: readonly string[], tally: RemovalTally): Part {
  let clean = part
  for (const name of names) {
    const text: unknown = Reflect.get(part, name)
    if (typeof text !== 'string') continue
    const { text: kept, removed } = cleanText(text)
    if (removed.length === 0) continue
    tally.addAll(removed)
    clean = { ...clean, [name]: kept }
  }
  return clean
}

function cleaned(value: unknown, tally: RemovalTally): unknown {
  if (value === undefined) return value
  // Of an instance JSON decides what is sent, so that is what has to be clean. What JSON cannot carry is refused later.
  const instances = holdsInstances(value)
  if (instances && findNonJson(value) !== undefined) return value
  const { value: clean, removed } = cleanValue(instances ? JSON.parse(JSON.stringify(value)) : value)
  if (removed.length === 0) return value
  tally.addAll(removed)
  return clean
}

/** Whether something in a value is neither plain data nor the array of such. */
function holdsInstances(root: unknown): boolean {
  const seen = new Set<unknown>()
  const waiting = [root]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (typeof at !== 'object' || at === null || seen.has(at)) continue
    seen.add(at)
    if (!Array.isArray(at)) {
      const prototype: unknown = Object.getPrototypeOf(at)
      if (prototype !== Object.prototype && prototype !== null) return true
      if (typeof Reflect.get(at, 'toJSON') === 'function') return true
    }
    for (const inner of Object.values(at)) if (typeof inner === 'object') waiting.push(inner)
  }
  return false
}

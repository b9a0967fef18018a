import type { ToolResult } from '../engine/tool-result.js'
import { isPlainText } from '../security/sanitize/plain-text.js'

/** Whether nothing of a result is worth a closer look: texts of usual characters, and plain data with such strings. */
export function isPlainResult({ content, structured }: ToolResult): boolean {
  const blocks =
    content?.every(
      (block) => block?.type === 'text' && typeof block.text === 'string' && isPlainText(block.text),
    ) ?? true
  return blocks && isPlainData(structured)
}

/** False for whatever is no plain data, too: what an instance becomes is for JSON to say. */
function isPlainData(root: unknown): boolean {
  if (typeof root === 'string') return isPlainText(root)
  if (typeof root !== 'object' || root === null) return true
  const seen = new Set<object>([root])
  const waiting: object[] = [root]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (!Array.isArray(at)) {
      const prototype: unknown = Object.getPrototypeOf(at)
      if (
        (prototype !== Object.prototype && prototype !== null) ||
        typeof Reflect.get(at, 'toJSON') === 'function'
      ) {
        return false
      }
      if (!Object.keys(at).every(isPlainText)) return false
    }
    for (const inner of Object.values(at) as unknown[]) {
      if (typeof inner === 'string') {
        if (!isPlainText(inner)) return false
      } else if (typeof inner === 'object' && inner !== null && !seen.has(inner)) {
        seen.add(inner)
        waiting.push(inner)
      }
    }
  }
  return true
}

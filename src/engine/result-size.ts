/** What a text or value weighs: bytes as UTF-8, and tokens as models count them, estimated. Both add up. */
export interface Size {
  readonly bytes: number
  /** Not rounded, so that parts add up to the whole. */
  readonly tokens: number
}

/** How much of a tool's result is sent. */
export interface ResultBudget {
  readonly bytes: number
  /** Undefined: as many as the bytes hold. */
  readonly tokens: number | undefined
  /** Items of a source that are put into one result. */
  readonly items: number
}

const encoder = new TextEncoder()
const ascii = /^[\x00-\x7f]*$/
/** Deeper than what a result may nest (`findNonJson`); a cycle ends here, too. */
const maxDepth = 64

/**
 * Tokens of a text, estimated: an ASCII character is a quarter, one below U+0800 (Latin with marks, Greek, Cyrillic, Hebrew,
 * Arabic) a half, any other UTF-16 unit (Chinese, Japanese, Korean, emoji) a whole one. Tokenizers differ by a third and more, so a
 * budget should leave room.
 */
export function estimateTokens(text: string): number {
  if (ascii.test(text)) return text.length / 4
  let quarters = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    quarters += code < 0x80 ? 1 : code < 0x800 ? 2 : 4
  }
  return quarters / 4
}

/** The exact bytes of a text as UTF-8, and its estimated tokens. */
export function sizeOf(text: string): Size {
  if (ascii.test(text)) return { bytes: text.length, tokens: text.length / 4 }
  return { bytes: encoder.encode(text).length, tokens: estimateTokens(text) }
}

export function plus(one: Size, other: Size): Size {
  return { bytes: one.bytes + other.bytes, tokens: one.tokens + other.tokens }
}

export const nothing: Size = { bytes: 0, tokens: 0 }

/** Whether a size is within a budget. */
export function fits(
  { bytes, tokens }: Size,
  budget: { readonly bytes: number; readonly tokens: number | undefined },
): boolean {
  return bytes <= budget.bytes && (budget.tokens === undefined || tokens <= budget.tokens)
}

/**
 * A number that neither bytes nor tokens of a value as JSON go beyond, or Infinity once it would be more than `limit`, or where
 * that cannot be told without writing it (`toJSON`, bigint, deep nesting). One walk that writes nothing: nearly every result is
 * small, and is asked no more than this.
 */
export function mostOf(value: unknown, limit: number, depth: number = maxDepth): number {
  switch (typeof value) {
    case 'string':
      // A control character becomes six of ASCII; nothing becomes more.
      return 2 + 6 * value.length
    case 'number':
      return 25
    case 'boolean':
    case 'undefined':
      return 5
    case 'object':
      break
    default:
      return Number.POSITIVE_INFINITY
  }
  if (value === null) return 4
  if (depth === 0) return Number.POSITIVE_INFINITY
  let most = 2
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      most += 1 + mostOf(value[index], limit - most, depth - 1)
      if (most > limit) return Number.POSITIVE_INFINITY
    }
    return most
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return Number.POSITIVE_INFINITY
  for (const key of Object.keys(value)) {
    most += 4 + 6 * key.length + mostOf(Reflect.get(value, key), limit - most, depth - 1)
    if (most > limit) return Number.POSITIVE_INFINITY
  }
  return most
}

/** The length of a text's beginning, at most `length` units, that parts no surrogate pair. */
export function wholeCharacters(text: string, length: number): number {
  if (length >= text.length) return text.length
  const code = text.charCodeAt(length - 1)
  return length > 0 && code >= 0xd800 && code <= 0xdbff ? length - 1 : length
}

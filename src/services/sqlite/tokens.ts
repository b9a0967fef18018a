/** One token as SQLite reads it; what begins none is a character by itself. */
const token =
  /\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?|[\w$\u0080-\uffff]+|\?\d*|[\s\S]/gy

/** The tokens of a statement, without space and comments. */
export function tokensOf(text: string): string[] {
  return Array.from(text.matchAll(token), ([part]) => part).filter((part) => !/^(?:\s|--|\/\*)/.test(part))
}

/**
 * The first of these names that a statement calls as a function or reads as a table, however it is quoted.
 * @param names in small letters
 */
export function calledOf(text: string, names: ReadonlySet<string>): string | undefined {
  const tokens = tokensOf(text)
  return tokens
    .map((part) => nameOf(part))
    .find(
      (name, index) =>
        names.has(name) &&
        (tokens[index + 1] === '(' || /^(?:from|join|,|\.|using)$/i.test(tokens[index - 1] ?? '')),
    )
}

function nameOf(part: string): string {
  const quote = part[0] ?? ''
  if (!/["'`[]/.test(quote)) return part.toLowerCase()
  const inner = part.slice(1, -1)
  return (quote === '[' ? inner : inner.replaceAll(quote + quote, quote)).toLowerCase()
}

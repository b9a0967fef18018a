/**
 * Whether the tree of a statement could become deeper than `limit`, guessed from its text: it may be less deep than
 * the guess, never deeper. The parser and the writer of its tree are recursive code within WebAssembly: one statement
 * that exhausts the stack takes some of it away for good, and after some dozens of them the parser answers nothing
 * any more. So what is too deep must not reach it.
 *
 * Each open bracket or CASE is a frame. In a frame a chain (`a + b + c`, `x::a::b`) is as deep as it is long, and it
 * ends at a comma, AND, OR, WHEN, THEN or ELSE; set operations and joins chain beyond those.
 */
export function isTooDeep(sql: string, limit: number): boolean {
  let frame = new Frame(undefined, '')
  for (const token of tokensOf(sql)) {
    // Most bombs need not be read to their end.
    if (frame.level + frame.chain + frame.links > limit) return true
    if (token === '(' || token === '[' || token === 'case') {
      frame = new Frame(frame, token)
    } else if (token === ')' || token === ']' || token === 'end') {
      if (frame.parent === undefined || (token === 'end' && frame.opener !== 'case')) frame.chain += 1
      else frame = frame.close(frame.parent)
    } else if (SEPARATORS.has(token)) {
      frame.separate()
    } else if (LINKS.has(token)) {
      frame.links += 1
    } else {
      frame.chain += 1
    }
  }
  while (frame.parent !== undefined) frame = frame.close(frame.parent)
  return frame.depth() > limit
}

const SEPARATORS = new Set([',', ';', 'and', 'or', 'when', 'then', 'else'])
const LINKS = new Set(['union', 'intersect', 'except', 'join'])

class Frame {
  readonly parent: Frame | undefined
  readonly opener: string
  /** How many frames this one stands in. */
  readonly level: number
  /** Links of the chain that is being read. */
  chain = 0
  links = 0
  /** The deepest closed frame within the chain that is being read. */
  private inner = 0
  private deepest = 0

  constructor(parent: Frame | undefined, opener: string) {
    this.parent = parent
    this.opener = opener
    this.level = parent === undefined ? 0 : parent.level + 1
  }

  separate(): void {
    this.deepest = Math.max(this.deepest, this.chain + this.inner)
    this.chain = 0
    this.inner = 0
  }

  depth(): number {
    return Math.max(this.deepest, this.chain + this.inner) + this.links + 1
  }

  close(parent: Frame): Frame {
    parent.inner = Math.max(parent.inner, this.depth())
    return parent
  }
}

const WORD = /[a-z_\u0080-\u{10ffff}][a-z0-9_$\u0080-\u{10ffff}]*/iuy
const DOLLAR_QUOTE = /\$(?:[a-z_\u0080-\u{10ffff}][a-z0-9_\u0080-\u{10ffff}]*)?\$/iuy
const SPACE = /[\s.0-9]/

/** Words in lower case, and each other character; strings, numbers, quoted names and comments are left out. */
function* tokensOf(sql: string): Generator<string> {
  let at = 0
  while (at < sql.length) {
    const character = sql[at] ?? ''
    const word = match(WORD, sql, at)
    if (word !== undefined) {
      at += word.length
      // The one kind of string in which a backslash hides a quote.
      if (sql[at] === "'" && word.toLowerCase() === 'e') at = endOfString(sql, at, true)
      else yield word.toLowerCase()
    } else if (character === "'") {
      at = endOfString(sql, at, false)
    } else if (character === '"') {
      at = after(sql, '"', at + 1)
    } else if (character === '$') {
      const quote = match(DOLLAR_QUOTE, sql, at)
      at = quote === undefined ? at + 1 : after(sql, quote, at + quote.length)
    } else if (sql.startsWith('--', at)) {
      at = endOfLine(sql, at)
    } else if (sql.startsWith('/*', at)) {
      at = endOfComment(sql, at)
    } else {
      at += 1
      if (!SPACE.test(character)) yield character
    }
  }
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

function after(sql: string, end: string, from: number): number {
  const found = sql.indexOf(end, from)
  return found === -1 ? sql.length : found + end.length
}

function endOfString(sql: string, start: number, escapes: boolean): number {
  let at = start + 1
  while (at < sql.length && sql[at] !== "'") at += escapes && sql[at] === '\\' ? 2 : 1
  return at + 1
}

function endOfLine(sql: string, start: number): number {
  let at = start
  while (at < sql.length && sql[at] !== '\n' && sql[at] !== '\r') at += 1
  return at
}

/** Comments nest in PostgreSQL. */
function endOfComment(sql: string, start: number): number {
  let open = 1
  let at = start + 2
  while (at < sql.length && open > 0) {
    if (sql.startsWith('/*', at)) open += 1
    else if (sql.startsWith('*/', at)) open -= 1
    else {
      at += 1
      continue
    }
    at += 2
  }
  return at
}

import { shown } from '../../errors/shown.js'

/** Longest statement, in bytes of UTF-8. What people and models write is a hundredth of it. */
export const MAX_STATEMENT_BYTES = 65_536
/** A lexer reads a run of operator characters again for each of its tokens, so a long one costs its square. */
const MAX_OPERATOR_RUN = 1_000
/** The same holds for comments within comments. */
const MAX_COMMENTS = 1_000
const OPERATOR_CHARACTERS = new Set('+-*/<>=~!@#%^&|`?')
const encoder = new TextEncoder()

/** Why the text cannot be given to a parser, as a sentence; undefined when it can. */
export function textProblem(sql: unknown): string | undefined {
  if (typeof sql !== 'string') return `The statement must be a text, got ${shown(sql)}.`
  // A character is at most three bytes a unit, so most texts need no counting.
  if (sql.length > MAX_STATEMENT_BYTES || encoder.encode(sql).length > MAX_STATEMENT_BYTES) {
    return `The statement is longer than the ${MAX_STATEMENT_BYTES} bytes that are allowed; shorten it.`
  }
  // A parser in C ends there, and would judge only what stands before it.
  if (sql.includes('\0')) return 'The statement holds a NUL character, which is not allowed.'
  if (/\p{Surrogate}/u.test(sql)) return 'The statement holds half of a surrogate pair, which is not allowed.'
  return costlyPart(sql)
}

function costlyPart(sql: string): string | undefined {
  let run = 0
  let comments = 0
  for (let index = 0; index < sql.length; index += 1) {
    run = OPERATOR_CHARACTERS.has(sql[index] ?? '') ? run + 1 : 0
    if (run > MAX_OPERATOR_RUN) {
      return `The statement has more than ${MAX_OPERATOR_RUN} operator characters in a row, which is not allowed.`
    }
    if (sql[index] === '/' && sql[index + 1] === '*') comments += 1
  }
  if (comments <= MAX_COMMENTS) return undefined
  return `The statement has more than ${MAX_COMMENTS} comments, which is not allowed.`
}

import { ToolError } from 'holdfast'
import { DatabaseError } from 'pg'
import { nearNames } from '../data/near-names.js'
import { QueryRefusal } from '../data/refusal.js'

const maxMessage = 400

export interface StatementPlace {
  /** The caller's statement. */
  readonly text: string
  /** Characters before it in what PostgreSQL was given. */
  readonly before: number
  /** Names of columns that may have been meant. */
  readonly columns: () => Iterable<string>
}

/**
 * What PostgreSQL, or the pool in front of it, says of a caller's statement, in words for the caller; without a place, of a statement
 * of our own. What is about the server and not about the statement stays as it is, and callers do not see it.
 */
export function toSqlRefusal(error: unknown, place?: StatementPlace): unknown {
  if (ToolError.is(error)) return poolRefusal(error)
  if (!(error instanceof DatabaseError)) return error
  const code = error.code ?? ''
  if (code === '25006' || code === '42501') {
    return new QueryRefusal('not_read_only', 'Only the loaded datasets are served, and only to be read.')
  }
  if (code === '55P03') {
    return new QueryRefusal('desk_busy', 'A dataset is being loaded again.', 'Try again in a moment.')
  }
  if (/^(53|54)/.test(code)) {
    return new QueryRefusal(
      'result_too_large',
      'The query needs more than it may use.',
      'Filter or aggregate earlier, and avoid joins without a condition.',
    )
  }
  if (code === '3F000') {
    return new QueryRefusal('desk_busy', 'An imported dataset was just replaced.', 'Try again.')
  }
  if (place === undefined || !/^(0A|21|22|2F|42|44)/.test(code)) return error
  return new QueryRefusal('sql_error', sentence(error.message) + nearText(error, place), hintOf(error, place))
}

function poolRefusal(error: ToolError): unknown {
  if (error.code === 'timed_out') {
    return new QueryRefusal(
      'query_timeout',
      'The query ran too long and was stopped.',
      'Filter or aggregate earlier, or ask for fewer rows.',
    )
  }
  if (error.code === 'pool_exhausted') {
    return new QueryRefusal(
      'desk_busy',
      'All connections are busy.',
      'Try again in a moment, or ask for less at once.',
    )
  }
  return error
}

function sentence(text: string): string {
  const clean = text.replace(/\s+/g, ' ').trim()
  const short =
    clean.length > maxMessage ? `${clean.slice(0, maxMessage).replace(/[\uD800-\uDBFF]$/, '')}...` : clean
  const begun = short.charAt(0).toUpperCase() + short.slice(1)
  return /[.!?]$/.test(begun) ? begun : `${begun}.`
}

/** The text from where PostgreSQL saw the mistake, where the message does not name what stands there. */
function nearText({ message, position }: DatabaseError, { text, before }: StatementPlace): string {
  // Counted in characters, from 1; texts of JavaScript are in code units.
  const at = Number(position) - 1 - before
  if (!Number.isInteger(at) || at < 0) return ''
  const rest = Array.from(text)
    .slice(at, at + 40)
    .join('')
    .replace(/\s+/g, ' ')
    .trim()
  const first = /^\w+/.exec(rest)?.[0] ?? rest
  return first === '' || message.toLowerCase().includes(first.toLowerCase()) ? '' : ` It begins at: ${rest}`
}

function hintOf({ code, message, hint }: DatabaseError, { columns }: StatementPlace): string | undefined {
  if (code === '42703') {
    const asked = /column "?(?:[^"\s]+\.)?([^"\s]+)"? does not exist/.exec(message)?.[1]
    const near = asked === undefined ? [] : nearNames(asked, new Set(columns()), 8)
    if (near.length > 0) return `Did you mean: ${near.map(written).join(', ')}?`
  }
  return hint === undefined ? undefined : sentence(hint)
}

/** Names with capitals or spaces are only found in double quotes. */
function written(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name}"`
}

import { QueryRefusal } from './refusal.js'

const maxMessage = 400
const maxCandidates = 8

/** Paths of this machine never belong into a message, wherever DuckDB put them. */
function withoutPaths(text: string): string {
  return text.replace(/(?:[A-Za-z]:)?(?:[/\\][^\s"'/\\]+){2,}[/\\]?/g, '[path]')
}

function sentence(text: string): string {
  const clean = text.replace(/\s+/g, ' ').trim()
  const short =
    clean.length > maxMessage ? `${clean.slice(0, maxMessage).replace(/[\uD800-\uDBFF]$/, '')}...` : clean
  return /[.!?]$/.test(short) ? short : `${short}.`
}

function candidatesOf(message: string): string[] {
  const bindings = /Candidate bindings:([^\n]*)/.exec(message)?.[1] ?? ''
  const quoted = [...bindings.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '')
  if (quoted.length > 0) return quoted
  const meant = /Did you mean "([^"]+)"/.exec(message)?.[1]
  if (meant !== undefined) return [meant]
  const section = /Candidate functions:\n((?:\t[^\n]*\n?)+)/.exec(message)?.[1] ?? ''
  return section
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Where in the statement DuckDB saw the mistake, as the text from there on. */
function placeOf(message: string): string | undefined {
  const match = /\nLINE \d+: ([^\n]*)\n( *)\^/.exec(message)
  const line = match?.[1]
  const prefix = /LINE \d+: /.exec(message)?.[0].length ?? 0
  const column = (match?.[2]?.length ?? 0) - prefix
  if (line === undefined || column < 0) return undefined
  const rest = line.slice(column, column + 40).trim()
  return rest === '' ? undefined : rest
}

/**
 * DuckDB's message as a tool error: its first sentences without positions, markup and paths, and the columns,
 * tables or functions it suggests as the hint.
 */
export function toSqlRefusal(message: string): QueryRefusal {
  const kind = /^(?:[A-Z][A-Za-z]+ )+Error: /.exec(message)?.[0] ?? ''
  const body = message.slice(kind.length).split(/\n\s*Candidate|\nDid you mean|\n\s*\nLINE|\nLINE/)[0] ?? ''
  if (kind.startsWith('Permission')) {
    return new QueryRefusal(
      'not_read_only',
      'Files and the network are closed to queries; only the loaded datasets are served.',
    )
  }
  if (kind.startsWith('Out of Memory')) {
    return new QueryRefusal(
      'result_too_large',
      'The query needs more memory than it may use.',
      'Filter or aggregate earlier, and avoid joins without a condition.',
    )
  }
  // What fails while it runs, fails in the statement that bounds the values; its places mean nothing to the caller.
  const place = /^(Parser|Binder|Catalog)/.test(kind) ? placeOf(message) : undefined
  // The place helps where the message does not already name what stands there.
  const named = place === undefined || body.includes(/^\w+/.exec(place)?.[0] ?? place)
  const near = named ? '' : ` It begins at: ${withoutPaths(place)}`
  const candidates = candidatesOf(message).slice(0, maxCandidates).map(withoutPaths)
  const hint = candidates.length > 0 ? `Did you mean: ${candidates.join(', ')}?` : syntaxHint(kind)
  return new QueryRefusal(
    'sql_error',
    sentence(withoutPaths(`${kind}${body}`.replace(/!$/, '.'))) + near,
    hint,
  )
}

function syntaxHint(kind: string): string | undefined {
  return kind.startsWith('Parser')
    ? 'The dialect is DuckDB SQL; names with spaces, capitals or keywords go into double quotes, text into single quotes.'
    : undefined
}

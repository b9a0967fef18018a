import { clean, shown } from '../../errors/shown.js'
import { isTooDeep } from './postgres-depth.js'
import { settingProblem } from './postgres-names.js'
import { isRecord, queryProblem } from './postgres-query.js'

/**
 * More than any statement that is meant: about 700 operators in one chain, or as many brackets in one another.
 * The parser fails at 5,000, sooner in a thread with a small stack.
 */
const MAX_DEPTH = 2_000
const HARMLESS_EXPLAIN_OPTIONS = new Set(
  'analyze verbose costs settings generic_plan buffers serialize wal timing summary memory format'.split(' '),
)

type Parser = typeof import('libpg-query')

let loading: Promise<Parser> | undefined
/** Set when the parser failed in a way that leaves its memory in doubt; nothing it says is believed after that. */
let failed = false

/** Why a statement is not allowed, as a sentence; undefined when it only reads. */
export async function checkPostgres(sql: string, own: ReadonlySet<string>): Promise<string | undefined> {
  loading ??= loadParser()
  const parser = await loading
  if (isTooDeep(sql, MAX_DEPTH)) return 'The statement is nested too deeply; shorten it.'
  if (failed)
    return 'The parser of PostgreSQL failed before; nothing is allowed until the process is restarted.'
  let tree: unknown
  try {
    tree = parser.parseSync(sql)
  } catch (error) {
    return parserProblem(parser, error)
  }
  return statementProblem(tree, own)
}

async function loadParser(): Promise<Parser> {
  try {
    const parser = await import('libpg-query')
    await parser.loadModule()
    return parser
  } catch (cause) {
    loading = undefined
    throw new Error(
      'Checking SQL for PostgreSQL needs the package libpg-query, which cannot be loaded; run "npm install libpg-query".',
      { cause },
    )
  }
}

function parserProblem(parser: Parser, error: unknown): string {
  if (error instanceof parser.SqlError) {
    return `The statement is not valid PostgreSQL: ${clean(error.message, 200)}.`
  }
  // An empty text is refused before WebAssembly is entered; everything else happened within.
  if (error instanceof Error && error.message === 'Query cannot be empty') return 'There is no statement.'
  failed = true
  return 'The statement is too much for the parser of PostgreSQL.'
}

function statementProblem(tree: unknown, own: ReadonlySet<string>): string | undefined {
  const statements = isRecord(tree) ? tree['stmts'] : undefined
  if (!Array.isArray(statements) || statements.length === 0) return 'There is no statement.'
  if (statements.length > 1) return `There are ${statements.length} statements; only one is allowed.`
  const [first]: unknown[] = statements
  const statement = isRecord(first) ? first['stmt'] : undefined
  if (!isRecord(statement)) return 'There is no statement.'
  const { ExplainStmt: explain, VariableShowStmt: show } = statement
  if (isRecord(explain)) return explainProblem(explain) ?? queryProblem(explain['query'], own)
  if (isRecord(show)) return typeof show['name'] === 'string' ? settingProblem(show['name']) : undefined
  return queryProblem(statement, own)
}

/** EXPLAIN ANALYZE runs its query, which is one that only reads. */
function explainProblem({ options = [] }: Record<string, unknown>): string | undefined {
  for (const option of Array.isArray(options) ? options : [options]) {
    const element = isRecord(option) ? option['DefElem'] : undefined
    const name = isRecord(element) ? element['defname'] : undefined
    if (typeof name !== 'string' || !HARMLESS_EXPLAIN_OPTIONS.has(name.toLowerCase())) {
      return `The option ${shown(name)} of EXPLAIN is not allowed.`
    }
  }
  return undefined
}

import type { AstNode, ParseResult, Stmt } from 'sqlite3-parser'
import { clean } from '../../errors/shown.js'
import { functionProblem, tableFunctionProblem, tableProblem } from './sqlite-names.js'

/** The nodes that a query may consist of. Every clause is a node of its own, so a new one is refused until it is here. */
const QUERY_NODES: ReadonlySet<string> = new Set(
  `SelectStmt Select CompoundSelect SelectFrom SelectValues ValuesRow With CommonTableExpr
   ExprResultColumn StarResultColumn TableStarResultColumn AsAs ElidedAs
   FromClause JoinedSelectTable TableSelectTable TableCallSelectTable SelectSelectTable SubSelectTable
   CommaJoinOperator TypedJoinJoinOperator OnJoinConstraint UsingJoinConstraint IndexedByIndexed NotIndexedIndexed
   BetweenExpr BinaryExpr CaseExpr WhenThen CastExpr CollateExpr ExistsExpr FunctionCallExpr FunctionCallStarExpr
   InListExpr InSelectExpr InTableExpr IsNullExpr LikeExpr NameExpr NotNullExpr ParenthesizedExpr QualifiedExpr
   SubqueryExpr UnaryExpr VariableExpr
   NumericLiteral StringLiteral BlobLiteral KeywordLiteral NullLiteral CurrentDateLiteral CurrentTimeLiteral
   CurrentTimestampLiteral Id Name QualifiedName IndexedColumn SortedColumn Limit Type MaxSizeTypeSize
   TypeSizeTypeSize SortListFunctionCallOrder WithinGroupFunctionCallOrder FunctionTail WindowDef Window FrameClause
   WindowOver NameOver CurrentRowFrameBound FollowingFrameBound PrecedingFrameBound UnboundedFollowingFrameBound
   UnboundedPrecedingFrameBound`.split(/\s+/),
)

type Parse = (sql: string) => ParseResult

let loading: Promise<Parse> | undefined

/** Why a statement is not allowed, as a sentence; undefined when it only reads. */
export async function checkSqlite(sql: string, own: ReadonlySet<string>): Promise<string | undefined> {
  loading ??= loadParser()
  const parse = await loading
  let parsed: ParseResult
  try {
    parsed = parse(sql)
  } catch {
    return 'The statement is too much for the parser of SQLite.'
  }
  if (parsed.status !== 'ok') {
    return `The statement is not valid SQLite: ${clean(parsed.errors[0]?.message ?? 'it cannot be parsed', 200)}.`
  }
  const [statement, ...more] = parsed.root.cmds
  if (statement === undefined) return 'There is no statement.'
  if (more.length > 0) return `There are ${more.length + 1} statements; only one is allowed.`
  return statementProblem(statement, own)
}

async function loadParser(): Promise<Parse> {
  try {
    const { withOptions } = await import('sqlite3-parser')
    // SQLite reads 1_000 since 3.46; the parser does when it is told.
    return withOptions({ digitSeparator: '_' }).parse
  } catch (cause) {
    loading = undefined
    throw new Error(
      'Checking SQL for SQLite needs the package sqlite3-parser, which cannot be loaded; run "npm install sqlite3-parser".',
      { cause },
    )
  }
}

function statementProblem(statement: Stmt, own: ReadonlySet<string>): string | undefined {
  const query = statement.type === 'ExplainStmt' ? statement.stmt : statement
  if (query.type !== 'SelectStmt') return commandProblem(query)
  // On a stack of our own: the tree can be deeper than JavaScript's.
  const open: unknown[] = [query]
  for (let next = open.pop(); open.length > 0 || next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null || next instanceof Uint8Array) continue
    if (!Array.isArray(next)) {
      const problem = nodeProblem(next as AstNode, own)
      if (problem !== undefined) return problem
    }
    for (const [field, value] of Object.entries(next)) if (field !== 'span') open.push(value)
  }
  return undefined
}

function nodeProblem(node: AstNode, own: ReadonlySet<string>): string | undefined {
  if (!QUERY_NODES.has(node.type)) {
    return `The statement has a part that is not allowed in a query, ${clean(String(node.type))}.`
  }
  switch (node.type) {
    case 'FunctionCallExpr':
    case 'FunctionCallStarExpr':
      return functionProblem(node.name.name, own)
    case 'TableSelectTable':
      return tableProblem(node.tblName.objName.text, own)
    case 'TableCallSelectTable':
      return tableFunctionProblem(node.tblName.objName.text, own)
    case 'InTableExpr':
      return node.args === undefined
        ? tableProblem(node.rhs.objName.text, own)
        : tableFunctionProblem(node.rhs.objName.text, own)
    default:
      return undefined
  }
}

/** `DropTableStmt` is DROP TABLE. */
function commandProblem({ type }: Stmt): string {
  const command = type
    .slice(0, -'Stmt'.length)
    .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase()
  const instead =
    type === 'PragmaStmt' ? "; one that reads has the form of a table, as pragma_table_info('t')" : ''
  return `${command} is not allowed; only SELECT, VALUES and WITH, and EXPLAIN of these, are${instead}.`
}

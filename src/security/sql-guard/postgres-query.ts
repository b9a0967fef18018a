import { shown } from '../../errors/shown.js'
import { nameKey } from './function-names.js'
import {
  fieldProblem,
  functionProblem,
  isBuiltInType,
  operatorProblem,
  relationProblem,
  samplingProblem,
  settingProblem,
} from './postgres-names.js'
import { commandOf, nodeShapes } from './postgres-nodes.js'

type Fields = Readonly<Record<string, unknown>>
type Rule = (node: Fields, own: ReadonlySet<string>) => string | undefined

/** Clauses that have a name of their own in a reason. */
const REFUSED_CLAUSES: Readonly<Record<string, string>> = {
  'SelectStmt.intoClause': 'SELECT INTO creates a table, which is not allowed.',
  'SelectStmt.lockingClause': 'A locking clause such as FOR UPDATE or FOR SHARE is not allowed.',
}
const EXPRESSION_WITH_SCALAR_VALUE = new Set(
  'A_Const A_Expr A_ArrayExpr BoolExpr NullTest BooleanTest ParamRef SQLValueFunction'.split(' '),
)

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Why a query, given as `{ SelectStmt: … }`, does more than read; undefined when it does not. Every node of its tree
 * is looked at, on a stack of our own, because the tree can be deeper than JavaScript's.
 */
export function queryProblem(query: unknown, own: ReadonlySet<string>): string | undefined {
  const open: [type: string, node: unknown][] = []
  const [command = ''] = isRecord(query) ? Object.keys(query) : []
  if (command !== 'SelectStmt') return commandProblem(command)
  pushNodes(open, query)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [type, node] = next
    const shape = nodeShapes.get(type)
    if (shape === undefined || !isRecord(node)) return commandProblem(type)
    for (const [field, value] of Object.entries(node)) {
      if (!shape.has(field)) return clauseProblem(type, field)
      if (typeof value !== 'object' || value === null) continue
      const fieldType = shape.get(field)
      if (fieldType === undefined) pushNodes(open, value)
      else open.push([fieldType, value])
    }
    const problem = rules[type]?.(node, own)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Adds nodes that say what they are: one, or lists of them. An empty object stands for an element that is left out. */
function pushNodes(open: [string, unknown][], value: unknown): void {
  const values = [value]
  for (let next = values.pop(); next !== undefined; next = values.pop()) {
    if (Array.isArray(next)) values.push(...next)
    else if (isRecord(next)) open.push(...Object.entries(next))
    else open.push(['', next])
  }
}

const READING = 'only SELECT, VALUES, TABLE and WITH, EXPLAIN of these, and SHOW are'

function commandProblem(type: string): string {
  const command = commandOf(type)
  if (command !== undefined) return `${command} is not allowed; ${READING}.`
  return `The statement has a part of an unknown kind, ${shown(type)}, which is not allowed.`
}

function clauseProblem(type: string, field: string): string {
  return (
    REFUSED_CLAUSES[`${type}.${field}`] ??
    `The statement has an unknown clause, ${shown(`${type}.${field}`)}, which is not allowed.`
  )
}

/** The texts of a list of String nodes; anything else in it makes the name one that nothing is called by. */
function partsOf(list: unknown): string[] {
  return listOf(list).map((item) => stringOf(item) ?? '')
}

function listOf(list: unknown): unknown[] {
  return Array.isArray(list) ? list : []
}

function stringOf(item: unknown): string | undefined {
  const text = isRecord(item) ? item['String'] : undefined
  if (!isRecord(text)) return undefined
  return typeof text['sval'] === 'string' ? text['sval'] : ''
}

const rules: Readonly<Record<string, Rule>> = {
  FuncCall: ({ funcname, args }, own) => {
    const parts = partsOf(funcname)
    return functionProblem(parts, own) ?? settingReadProblem(parts, listOf(args), own)
  },
  A_Expr: ({ kind, name }, own) =>
    // BETWEEN is written as an operator of that name.
    typeof kind === 'string' && kind.includes('BETWEEN') ? undefined : operatorProblem(partsOf(name), own),
  SubLink: ({ operName }, own) =>
    operName === undefined ? undefined : operatorProblem(partsOf(operName), own),
  SortBy: ({ useOp }, own) => (useOp === undefined ? undefined : operatorProblem(partsOf(useOp), own)),
  RangeTableSample: ({ method }, own) => samplingProblem(partsOf(method), own),
  RangeVar: ({ schemaname, relname }) =>
    relationProblem(typeof schemaname === 'string' ? schemaname : undefined, String(relname)),
  ColumnRef: ({ fields }, own) => {
    const [, ...behind] = listOf(fields)
    return fieldsProblem(behind, own)
  },
  A_Indirection: ({ arg, indirection }, own) => {
    const named = listOf(indirection).find((item) => stringOf(item) !== undefined)
    if (named !== undefined && isScalar(arg)) {
      return `The field ${shown(stringOf(named))} of a value without fields would be a function's call, which is not allowed; write the function before its argument.`
    }
    return fieldsProblem(listOf(indirection), own)
  },
}

function fieldsProblem(fields: unknown[], own: ReadonlySet<string>): string | undefined {
  for (const field of fields) {
    const name = stringOf(field)
    const problem = name === undefined ? undefined : fieldProblem(name, own)
    if (problem !== undefined) return problem
  }
  return undefined
}

function isScalar(expression: unknown): boolean {
  const [entry] = isRecord(expression) ? Object.entries(expression) : []
  if (entry === undefined) return true
  const [type, node] = entry
  if (type !== 'TypeCast') return EXPRESSION_WITH_SCALAR_VALUE.has(type)
  const typeName = isRecord(node) ? node['typeName'] : undefined
  return isRecord(typeName) && isBuiltInType(partsOf(typeName['names']))
}

/** Which setting is read must be known here, so it must be written as text. */
function settingReadProblem(parts: string[], args: unknown[], own: ReadonlySet<string>): string | undefined {
  if (parts.at(-1) !== 'current_setting' || own.has(nameKey(parts))) return undefined
  const constant = isRecord(args[0]) ? args[0]['A_Const'] : undefined
  const text = isRecord(constant) ? constant['sval'] : undefined
  const name = isRecord(text) ? (text['sval'] ?? '') : undefined
  if (typeof name === 'string') return settingProblem(name)
  return 'The function "current_setting" is allowed only with the name of a setting as a text, such as \'timezone\'.'
}

/**
 * The nodes of PostgreSQL's parse tree that a query may consist of, with the fields that each may have. A node or a
 * field that is not here is refused, so a clause of a later version is not let through before somebody read what it
 * does. `name` is a field with a plain value or with nodes that say what they are; `name:Type` is one whose node does
 * not say so.
 */
const SHAPES = `
SelectStmt distinctClause targetList fromClause whereClause groupClause groupDistinct havingClause windowClause
  valuesLists sortClause limitOffset limitCount limitOption withClause:WithClause op all larg:SelectStmt rarg:SelectStmt
WithClause ctes recursive
CommonTableExpr ctename aliascolnames ctematerialized ctequery search_clause:CTESearchClause cycle_clause:CTECycleClause
CTESearchClause search_col_list search_breadth_first search_seq_column
CTECycleClause cycle_col_list cycle_mark_column cycle_mark_value cycle_mark_default cycle_path_column
ResTarget name val
RangeVar catalogname schemaname relname inh relpersistence alias:Alias
RangeSubselect lateral subquery alias:Alias
RangeFunction lateral ordinality is_rowsfrom functions alias:Alias coldeflist
RangeTableSample relation method args repeatable
RangeTableFunc lateral docexpr rowexpr namespaces columns alias:Alias
RangeTableFuncCol colname typeName:TypeName for_ordinality is_not_null colexpr coldefexpr
ColumnDef colname typeName:TypeName is_local collClause:CollateClause
JoinExpr jointype isNatural larg rarg usingClause join_using_alias:Alias quals alias:Alias rtindex
Alias aliasname colnames
SortBy node sortby_dir sortby_nulls useOp
WindowDef name refname partitionClause orderClause frameOptions startOffset endOffset
GroupingSet kind content
GroupingFunc args refs
A_Expr kind name lexpr rexpr rexpr_list_start rexpr_list_end
A_Const ival:Integer fval:Float boolval:Boolean sval:String bsval:BitString isnull
A_Star
A_Indices is_slice lidx uidx
A_Indirection arg indirection
A_ArrayExpr elements list_start list_end
ColumnRef fields
ParamRef number
FuncCall funcname args agg_order agg_filter over:WindowDef agg_within_group agg_star agg_distinct func_variadic
  funcformat
NamedArgExpr arg name argnumber
TypeCast arg typeName:TypeName
TypeName names typmods typemod arrayBounds
CollateClause arg collname
BoolExpr boolop args
NullTest arg nulltesttype argisrow
BooleanTest arg booltesttype
CaseExpr arg args defresult
CaseWhen expr result
CoalesceExpr args
MinMaxExpr op args
SQLValueFunction op typmod
RowExpr args row_format colnames
SubLink subLinkType subLinkId testexpr operName subselect
XmlExpr op name named_args arg_names args xmloption indent
XmlSerialize xmloption expr typeName:TypeName indent
JsonTable context_item:JsonValueExpr pathspec:JsonTablePathSpec passing columns on_error:JsonBehavior alias:Alias
  lateral
JsonTableColumn coltype name typeName:TypeName pathspec:JsonTablePathSpec format:JsonFormat wrapper quotes columns
  on_empty:JsonBehavior on_error:JsonBehavior
JsonTablePathSpec string name name_location
JsonBehavior btype expr coerce
JsonOutput typeName:TypeName returning:JsonReturning
JsonReturning format:JsonFormat typid typmod
JsonFormat format_type encoding
JsonValueExpr raw_expr formatted_expr format:JsonFormat
JsonArgument val:JsonValueExpr name
JsonKeyValue key value:JsonValueExpr
JsonObjectConstructor exprs output:JsonOutput absent_on_null unique
JsonArrayConstructor exprs output:JsonOutput absent_on_null
JsonArrayQueryConstructor query output:JsonOutput format:JsonFormat absent_on_null
JsonAggConstructor output:JsonOutput agg_filter agg_order over:WindowDef
JsonObjectAgg constructor:JsonAggConstructor arg:JsonKeyValue absent_on_null unique
JsonArrayAgg constructor:JsonAggConstructor arg:JsonValueExpr absent_on_null
JsonParseExpr expr:JsonValueExpr output:JsonOutput unique_keys
JsonScalarExpr expr output:JsonOutput
JsonSerializeExpr expr:JsonValueExpr output:JsonOutput
JsonIsPredicate expr format:JsonFormat item_type unique_keys
JsonFuncExpr op column_name context_item:JsonValueExpr pathspec passing output:JsonOutput on_empty:JsonBehavior
  on_error:JsonBehavior wrapper quotes
List items
String sval
Integer ival
Float fval
Boolean boolval
BitString bsval
`

/** Where a node stands in the text; it says nothing of what the statement does. */
const POSITION = 'location'

/** By the node's type: the fields it may have, each with the type of its node when the node does not say so. */
export const nodeShapes: ReadonlyMap<string, ReadonlyMap<string, string | undefined>> = readShapes()

function readShapes(): Map<string, Map<string, string | undefined>> {
  const entries = SHAPES.trim().split(/\n(?! )/)
  return new Map(
    entries.map((entry) => {
      const [type = '', ...fields] = entry.split(/\s+/)
      const typed = fields.map((field): [string, string | undefined] => {
        const [name = '', nodeType] = field.split(':')
        return [name, nodeType]
      })
      return [type, new Map([...typed, [POSITION, undefined]])]
    }),
  )
}

/** What is written of a statement whose name in the tree is not that of its command. */
const COMMANDS: Readonly<Record<string, string>> = {
  CreateStmt: 'CREATE TABLE',
  CreateTableAsStmt: 'CREATE TABLE AS',
  DeclareCursorStmt: 'DECLARE',
  IndexStmt: 'CREATE INDEX',
  ViewStmt: 'CREATE VIEW',
  RuleStmt: 'CREATE RULE',
  RenameStmt: 'ALTER',
  TransactionStmt: 'A transaction command such as BEGIN, COMMIT or ROLLBACK',
  VacuumStmt: 'VACUUM or ANALYZE',
  VariableSetStmt: 'SET or RESET',
  GrantRoleStmt: 'GRANT or REVOKE',
  GrantStmt: 'GRANT or REVOKE',
  CheckPointStmt: 'CHECKPOINT',
  DropdbStmt: 'DROP DATABASE',
  CreatedbStmt: 'CREATE DATABASE',
}

/** `DropRoleStmt` is `DROP ROLE`; undefined for a node that is no statement. */
export function commandOf(type: string): string | undefined {
  if (!type.endsWith('Stmt')) return undefined
  return (
    COMMANDS[type] ??
    type
      .slice(0, -'Stmt'.length)
      .replace(/(?<=[a-z])(?=[A-Z])/g, ' ')
      .toUpperCase()
  )
}

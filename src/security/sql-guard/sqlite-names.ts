import { shown } from '../../errors/shown.js'
import { lowerAscii, nameKey } from './function-names.js'
import { sqliteFunctions } from './sqlite-functions.js'

/** Table-valued functions that read nothing but their arguments, and `dbstat`, which reads how full pages are. */
const TABLE_FUNCTIONS = new Set('dbstat generate_series json_each json_tree jsonb_each jsonb_tree'.split(' '))

/** Pragmas that have the form of a table and tell about the schema, the file or the build; none of these can set. */
const READING_PRAGMAS = new Set(
  `application_id collation_list compile_options data_version database_list encoding foreign_key_check
   foreign_key_list foreign_keys freelist_count function_list index_info index_list index_xinfo integrity_check
   journal_mode module_list page_count page_size pragma_list query_only quick_check schema_version table_info
   table_list table_xinfo user_version`.split(/\s+/),
)
/** Names that begin with `sqlite_` belong to SQLite; of its tables these are about the schema. */
const SYSTEM_TABLES = new Set(
  `sqlite_master sqlite_schema sqlite_temp_master sqlite_temp_schema sqlite_sequence sqlite_stat1 sqlite_stat2
   sqlite_stat3 sqlite_stat4`.split(/\s+/),
)
/** Tables of extensions and of the command line that are files, archives, addresses or variables of the program. */
const HOST_TABLES = new Set(
  `carray completion fileio_ls fileio_scan fsdir http_do http_get http_post lines_read tclvar zipfile`.split(
    ' ',
  ),
)

/** @param own keys of the caller's functions, in lower case */
export function functionProblem(name: string, own: ReadonlySet<string>): string | undefined {
  const folded = lowerAscii(name)
  if (sqliteFunctions.has(folded) || own.has(nameKey([folded]))) return undefined
  return `The function ${shown(name)} is not among the functions that are allowed.`
}

/** A table that is called with arguments, as `json_each('[1]')`. */
export function tableFunctionProblem(name: string, own: ReadonlySet<string>): string | undefined {
  const folded = lowerAscii(name)
  if (own.has(nameKey([folded])) || TABLE_FUNCTIONS.has(folded)) return undefined
  if (folded.startsWith('pragma_')) return pragmaProblem(name, folded)
  return `The table-valued function ${shown(name)} is not among those that are allowed.`
}

/**
 * A table that is only named. Table-valued functions can be named like tables too, with their arguments as conditions
 * on hidden columns, so the dangerous ones cannot be the names of tables.
 */
export function tableProblem(name: string, own: ReadonlySet<string>): string | undefined {
  const folded = lowerAscii(name)
  if (own.has(nameKey([folded]))) return undefined
  if (folded.startsWith('pragma_')) return pragmaProblem(name, folded)
  const system = folded.startsWith('sqlite_') && !SYSTEM_TABLES.has(folded)
  return system || HOST_TABLES.has(folded) ? `The table ${shown(name)} is not allowed.` : undefined
}

function pragmaProblem(name: string, folded: string): string | undefined {
  if (READING_PRAGMAS.has(folded.slice('pragma_'.length))) return undefined
  return `The pragma ${shown(name)} is not among those that are allowed.`
}

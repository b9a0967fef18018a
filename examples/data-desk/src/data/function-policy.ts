import type { DuckDBConnection } from '@duckdb/node-api'

/**
 * Table functions a query may read from. Everything else of that kind reads files, shows the engine's settings,
 * runs SQL given as text, or changes the engine (`enable_profiling()` would even print to standard output),
 * although DuckDB calls such a statement a SELECT.
 */
const tableFunctions = [
  'generate_series',
  'histogram',
  'histogram_values',
  'json_each',
  'json_tree',
  'range',
  'repeat_row',
  'unnest',
]

/** Functions that answer differently each time and are allowed all the same: clocks, chance and identifiers. */
const volatileButHarmless = new Set([
  'current_date',
  'gen_random_uuid',
  'get_current_time',
  'get_current_timestamp',
  'now',
  'random',
  'today',
  'transaction_timestamp',
  'uuid',
  'uuidv4',
  'uuidv7',
])

/** Functions that show or change the engine and not the data, run SQL given as text, or raise errors at will. */
const aboutTheEngine = new Set([
  'current_connection_id',
  'current_setting',
  'error',
  'get_block_size',
  'getenv',
  'getvariable',
  'json_deserialize_sql',
  'json_serialize_plan',
  'json_serialize_sql',
  'parse_duckdb_log_message',
  'sleep_ms',
])

/**
 * Their work grows with the product of two lengths inside one call, and DuckDB cannot interrupt a call: 100,000
 * characters against as many were measured to run 24 seconds after the interrupt.
 */
const cannotBeInterrupted = new Set([
  'damerau_levenshtein',
  'editdist3',
  'jaro_similarity',
  'jaro_winkler_similarity',
  'levenshtein',
])

/**
 * Functions that the optimizer puts into plans, and that read the engine's own encodings: given made-up bytes they
 * need not be safe.
 */
const internal = new Set([
  'combine',
  'constant_or_null',
  'create_sort_key',
  'finalize',
  'in_search_path',
  'make_type',
  'map_to_pg_oid',
  'replace_type',
  'txid_current',
  'variant_bytes_to_variant',
  'variant_normalize',
  'variant_to_parquet_variant',
  'vector_type',
])

function isInternal(name: string): boolean {
  return internal.has(name) || /^__|^to_aggregate_state|^st_|_description$|^format_pg_type$/.test(name)
}

/** PostgreSQL's catalogue functions are of no use on data, these two apart. */
const postgresButUseful = new Set(['pg_size_pretty', 'pg_typeof'])

export interface FunctionPolicy {
  /** Scalar, aggregate, window and macro functions a query may call, in lower case. */
  readonly scalars: ReadonlySet<string>
  /** Functions a query may read from. */
  readonly tables: ReadonlySet<string>
  /** Every function there is, to tell a forbidden name from a misspelled one. */
  readonly known: ReadonlySet<string>
}

/** Builds the allow-list from what this engine has: only what it declares free of side effects, less the lists above. */
export async function readFunctionPolicy(connection: DuckDBConnection): Promise<FunctionPolicy> {
  const reader = await connection.runAndReadAll(`
    SELECT lower(function_name), function_type, bool_or(stability = 'VOLATILE' OR has_side_effects IS TRUE)
    FROM duckdb_functions() GROUP BY ALL`)
  const scalars = new Set<string>()
  const known = new Set<string>(aboutTheEngine)
  const volatile = new Set<string>()
  for (const [nameValue, type, isVolatile] of reader.getRows()) {
    const name = String(nameValue)
    known.add(name)
    if (isVolatile === true && !volatileButHarmless.has(name)) volatile.add(name)
    if (type === 'scalar' || type === 'aggregate' || type === 'macro') scalars.add(name)
  }
  for (const name of scalars) {
    const postgres = name.startsWith('pg_') && !postgresButUseful.has(name)
    const privilege = name.startsWith('has_') && name.endsWith('_privilege')
    const network = name.startsWith('inet_')
    if (
      postgres ||
      privilege ||
      network ||
      isInternal(name) ||
      volatile.has(name) ||
      aboutTheEngine.has(name) ||
      cannotBeInterrupted.has(name)
    ) {
      scalars.delete(name)
    }
  }
  scalars.add('unnest')
  return { scalars, tables: new Set(tableFunctions), known }
}

/** One clause on why a known function is not allowed. */
export function whyNotAllowed(name: string): string {
  if (cannotBeInterrupted.has(name)) return 'one call of it can run for minutes and cannot be stopped'
  if (/^read_|^parquet_|_scan$|^glob$|^sniff_csv$/.test(name))
    return 'it reads files; only the loaded datasets are served'
  if (isInternal(name)) return 'it is internal to the engine'
  if (/^query(_table)?$|sql/.test(name)) return 'it runs SQL given as text'
  return 'it shows or changes the engine, not the data'
}

// node scripts/generate-sql-functions.mjs [postgres|sqlite]: writes the lists of built-in functions that a read-only statement
// may call, from the catalogue of a real PostgreSQL (TEST_DATABASE_URL) and of a real SQLite. What the catalogue
// cannot say (which functions read files, run text as a query or reveal secrets) stands here, by hand.
import { writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isMain } from './source-tree.mjs'

const words = (text) => text.trim().split(/\s+/)

// Volatile by the catalogue, because they answer differently each time; they change nothing.
export const POSTGRES_SAFE_VOLATILE = words(`
  clock_timestamp current_query gen_random_uuid pg_blocking_pids pg_collation_actual_version
  pg_current_wal_flush_lsn pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_collation_actual_version
  pg_database_size pg_indexes_size pg_is_in_recovery pg_is_wal_replay_paused pg_jit_available
  pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_notification_queue_usage
  pg_partition_ancestors pg_partition_tree pg_relation_size pg_sequence_last_value pg_table_size
  pg_tablespace_size pg_total_relation_size pg_xact_commit_timestamp pg_xact_status random timeofday txid_status`)

// Not volatile by the catalogue, and not to be called all the same:
export const POSTGRES_REFUSED = words(`
  database_to_xml database_to_xml_and_xmlschema database_to_xmlschema schema_to_xml schema_to_xml_and_xmlschema
  schema_to_xmlschema table_to_xml table_to_xml_and_xmlschema table_to_xmlschema
  query_to_xml query_to_xml_and_xmlschema query_to_xmlschema cursor_to_xml cursor_to_xmlschema
  txid_current pg_current_xact_id
  pg_config pg_show_all_file_settings pg_hba_file_rules pg_ident_file_mappings pg_tablespace_location
  pg_tablespace_databases pg_stat_get_wal_receiver pg_options_to_table
  pg_event_trigger_ddl_commands pg_event_trigger_dropped_objects pg_event_trigger_table_rewrite_oid
  pg_event_trigger_table_rewrite_reason fmgr_c_validator fmgr_internal_validator fmgr_sql_validator
  postgresql_fdw_validator plpgsql_validator ts_rewrite ts_stat`)

// Since PostgreSQL 16, 17 and 18: none of these writes, reads a file or runs text.
export const POSTGRES_NEWER = words(`
  any_value array_sample array_shuffle date_add date_subtract erf erfc json_agg_strict json_object_agg_strict
  json_object_agg_unique json_object_agg_unique_strict jsonb_agg_strict jsonb_object_agg_strict
  jsonb_object_agg_unique jsonb_object_agg_unique_strict pg_input_error_info pg_input_is_valid pg_split_walfile_name
  random_normal system_user
  has_largeobject_privilege icu_unicode_version pg_basetype pg_column_toast_chunk_id to_bin to_oct
  to_regtypemod unicode_assigned unicode_version uuid_extract_timestamp uuid_extract_version xmltext
  array_reverse array_sort casefold crc32 crc32c gamma lgamma pg_get_acl uuidv4 uuidv7`)

// Since PostgreSQL 16, 17 and 18, or in an extension that is often there: these do.
export const POSTGRES_NEWER_REFUSED = words(`
  pg_log_standby_snapshot pg_sync_replication_slots pg_restore_relation_stats pg_clear_relation_stats
  pg_restore_attribute_stats pg_clear_attribute_stats pg_stat_reset_backend_stats pg_get_process_memory_contexts
  pg_wal_replay_wait pg_wal_summary_contents pg_available_wal_summaries pg_ls_summariesdir
  connectby connectby_n crosstab crosstab2 crosstab3 crosstab4 crosstabn dblink dblink_build_sql_delete
  dblink_build_sql_insert dblink_build_sql_update dblink_cancel_query dblink_close dblink_connect dblink_connect_u
  dblink_disconnect dblink_error_message dblink_exec dblink_fetch dblink_get_connections dblink_get_notify
  dblink_get_pkey dblink_get_result dblink_is_busy dblink_open dblink_send_query
  http_delete http_get http_head http_patch http_post http_put lo_manage pg_buffercache_evict
  pg_create_logical_replication_slot pg_file_rename pg_file_sync pg_file_unlink pg_file_write pg_prewarm
  pg_stat_statements_reset pgp_sym_decrypt pldbg_attach_to_port xslt_process`)

// Safe for whoever may call functions by name, but with no meaning outside of the server or the command line.
export const SQLITE_REFUSED = words(`
  edit eval fts3_tokenizer fts5 fts5_source_id fsdir load_extension optimize readfile sqlite_log writefile`)

// Documented built-in functions that the SQLite of the tests was built without, or has under another version.
export const SQLITE_DOCUMENTED = words(`
  geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point geopoly_debug geopoly_group_bbox
  geopoly_json geopoly_overlap geopoly_regular geopoly_svg geopoly_within geopoly_xform
  matchinfo median offsets percentile percentile_cont percentile_disc regexp rtreecheck rtreedepth rtreenode
  soundex sqlite_offset`)

// Types that only C code of the server can handle; a function that takes one cannot be called from SQL.
const INTERNAL_TYPES = words(`internal cstring trigger event_trigger language_handler fdw_handler
  index_am_handler tsm_handler table_am_handler`)

const CATALOGUE = `
  select proname as name,
    bool_and(provolatile <> 'v') as reads,
    bool_and((array(select t::regtype::text from unnest(proargtypes) t) || prorettype::regtype::text) && $1) as internal
  from pg_proc where pronamespace = 'pg_catalog'::regnamespace group by proname`

/** @param {import('pg').Client} client @returns the names that may be called, and those that must not be named. */
export async function postgresNames(client) {
  const { rows } = await client.query(CATALOGUE, [INTERNAL_TYPES])
  const { rows: types } = await client.query(`
    select distinct typname as name from pg_type
    where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') and typname !~ '^_' `)
  const { rows: operators } = await client.query(
    `select distinct oprname as name from pg_operator where oprnamespace = 'pg_catalog'::regnamespace`,
  )
  const refused = new Set([...POSTGRES_REFUSED, ...POSTGRES_NEWER_REFUSED])
  const volatile = rows.filter(
    (row) => !row.reads && !row.internal && !POSTGRES_SAFE_VOLATILE.includes(row.name),
  )
  const allowed = rows.filter((row) => row.reads && !row.internal && !refused.has(row.name))
  return {
    postgresFunctions: sorted([...allowed.map(nameOf), ...POSTGRES_SAFE_VOLATILE, ...POSTGRES_NEWER]),
    postgresRefusedFunctions: sorted([...volatile.map(nameOf), ...refused]),
    postgresTypes: sorted(types.map(nameOf)),
    postgresOperators: sorted(operators.map(nameOf)),
  }
}

/** @param {{ all(sql: string): { name: string }[] }} database */
export function sqliteNames(database) {
  const rows = database.all('select distinct name from pragma_function_list')
  const allowed = rows.map(nameOf).filter((name) => !SQLITE_REFUSED.includes(name) && !/^fts5_/.test(name))
  return { sqliteFunctions: sorted([...allowed, ...SQLITE_DOCUMENTED]) }
}

const nameOf = (row) => row.name
const sorted = (names) => [...new Set(names)].sort()

/** A module of sets of names, each as text in lines of at most 110 columns. */
export function moduleOf(header, lists) {
  const parts = Object.entries(lists).map(([name, names]) => {
    const lines = ['']
    for (const word of names) {
      const line = `${lines.at(-1)} ${word}`
      if (line.length <= 108) lines[lines.length - 1] = line
      else lines.push(` ${word}`)
    }
    const text = lines.map((line) => ` ${line}`).join('\n')
    return `export const ${name}: ReadonlySet<string> = new Set(\`\n${text}\n\`.trim().split(/\\s+/))\n`
  })
  return `// Written by scripts/generate-sql-functions.mjs; what is missing or too much is mended there.\n${header}\n\n${parts.join('\n')}`
}

export const POSTGRES_HEADER = `
/**
 * Built-in functions of PostgreSQL 15 that are not volatile, with harmless volatile ones and what 16 to 18 added; the
 * built-in functions that change something, read files, run text as a query or reveal secrets; base types; operators.
 */`.trim()
export const SQLITE_HEADER =
  '/** Built-in functions of SQLite 3.53 that only read, with those of its documented options. */'

if (isMain(import.meta)) {
  const only = process.argv[2]
  const write = (name, text) =>
    writeFileSync(fileURLToPath(new URL(`../src/security/sql-guard/${name}`, import.meta.url)), text)
  if (only !== 'sqlite') {
    const { default: pg } = await import('pg')
    const url = new URL(process.env.TEST_DATABASE_URL ?? 'postgres://127.0.0.1:5432/test')
    url.username ||= userInfo().username
    const client = new pg.Client(url.href)
    await client.connect()
    write('postgres-functions.ts', moduleOf(POSTGRES_HEADER, await postgresNames(client)))
    await client.end()
  }
  if (only !== 'postgres') {
    const { default: sqlite } = await import('node-sqlite3-wasm')
    write('sqlite-functions.ts', moduleOf(SQLITE_HEADER, sqliteNames(new sqlite.Database(':memory:'))))
  }
}

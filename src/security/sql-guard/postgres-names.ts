import { shown } from '../../errors/shown.js'
import { nameKey } from './function-names.js'
import {
  postgresFunctions,
  postgresOperators,
  postgresRefusedFunctions,
  postgresTypes,
} from './postgres-functions.js'

/**
 * Operators of the extensions that many databases have: pgvector, pg_trgm, ltree, hstore, PostGIS, intarray, cube.
 * A name says little of what an operator does, but an operator is made by who owns the database.
 */
const EXTENSION_OPERATORS = new Set(
  '<#> <=> <+> <~> <%> %> <<% %>> <<-> <->> <<<-> <->>> ^@ ^~ ?~ ?@ #= %% %# &&& ~~= @@@ <<#>> <<->> |=| ~==  ~> ~>='.split(
    /\s+/,
  ),
)
const SAMPLING_METHODS = new Set(['bernoulli', 'system', 'system_rows', 'system_time'])

/** Relations whose content is passwords, connection strings or samples of other tables' rows. */
const SECRET_RELATIONS = new Set(
  `pg_authid pg_shadow pg_user_mapping pg_user_mappings user_mapping_options _pg_user_mappings pg_db_role_setting
   pg_hba_file_rules pg_ident_file_mappings pg_file_settings pg_config pg_subscription pg_largeobject pg_statistic
   pg_statistic_ext_data`.split(/\s+/),
)
/** Settings that hold files, commands or credentials of the server. */
const SECRET_SETTINGS = new Set(
  `archive_cleanup_command archive_command config_file data_directory dynamic_library_path external_pid_file hba_file
   ident_file krb_server_keyfile log_directory log_filename primary_conninfo primary_slot_name recovery_end_command
   restore_command session_preload_libraries shared_preload_libraries ssl_ca_file ssl_cert_file ssl_crl_dir
   ssl_crl_file ssl_dh_params_file ssl_key_file ssl_passphrase_command stats_temp_directory
   unix_socket_directories`.split(/\s+/),
)

/** The name of something that stands in `pg_catalog`: as `name` or as `pg_catalog.name`. */
function builtIn(parts: readonly string[]): string | undefined {
  if (parts.length === 1) return parts[0]
  return parts.length === 2 && parts[0] === 'pg_catalog' ? parts[1] : undefined
}

/** Types can be called like functions: `date('2026-01-01')`. */
export function functionProblem(parts: readonly string[], own: ReadonlySet<string>): string | undefined {
  if (own.has(nameKey(parts))) return undefined
  const name = builtIn(parts)
  if (name !== undefined && (postgresFunctions.has(name) || postgresTypes.has(name))) return undefined
  const known = name !== undefined && postgresRefusedFunctions.has(name)
  const why = known ? 'is not allowed' : 'is not among the functions that are allowed'
  return `The function ${shown(parts.join('.'))} ${why}.`
}

export function operatorProblem(parts: readonly string[], own: ReadonlySet<string>): string | undefined {
  if (own.has(nameKey(parts))) return undefined
  const name = builtIn(parts)
  if (name !== undefined && (postgresOperators.has(name) || EXTENSION_OPERATORS.has(name))) return undefined
  return `The operator ${shown(parts.join('.'))} is not among the operators that are allowed.`
}

export function samplingProblem(parts: readonly string[], own: ReadonlySet<string>): string | undefined {
  const name = builtIn(parts)
  if (own.has(nameKey(parts)) || (name !== undefined && SAMPLING_METHODS.has(name))) return undefined
  return `The sampling method ${shown(parts.join('.'))} is not allowed.`
}

/**
 * `x.f` and `(x).f` call the function `f` when `x` has no such field (PostgreSQL manual, 8.16.5): `(1).pg_sleep` waits.
 * A parser cannot know which it is, so the names of functions that are refused cannot be the names of fields.
 */
export function fieldProblem(name: string, own: ReadonlySet<string>): string | undefined {
  if (!postgresRefusedFunctions.has(name) || own.has(nameKey([name]))) return undefined
  return `The function ${shown(name)} is not allowed, also when it is written as a field.`
}

export function relationProblem(schema: string | undefined, name: string): string | undefined {
  const system = schema === undefined || schema === 'pg_catalog' || schema === 'information_schema'
  if (!system || !SECRET_RELATIONS.has(name)) return undefined
  return `The system table ${shown(name)} is not allowed, because it holds secrets.`
}

/** A name with a dot is a setting that applications make; some keep keys in it, and every role can read it. */
export function settingProblem(name: string): string | undefined {
  if (!name.includes('.') && !SECRET_SETTINGS.has(name.toLowerCase())) return undefined
  return `The setting ${shown(name)} is not allowed, because it may hold a secret.`
}

export function isBuiltInType(parts: readonly string[]): boolean {
  const name = builtIn(parts)
  return name !== undefined && postgresTypes.has(name)
}

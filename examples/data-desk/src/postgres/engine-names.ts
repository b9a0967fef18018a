/** Types whose values are names in the catalogue: a cast to one looks up whether something is there. */
const catalogueTypes =
  /^reg(class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)$/

/** Functions about values that begin as those about the server do. */
const aboutValues = new Set(['pg_typeof', 'pg_size_pretty', 'pg_size_bytes', 'pg_column_size', 'pg_lsn'])

const aboutTheServer = new Set([
  'col_description',
  'current_catalog',
  'current_database',
  'current_query',
  'current_role',
  'current_schema',
  'current_schemas',
  'current_setting',
  'current_user',
  'get_current_ts_config',
  'getdatabaseencoding',
  'getpgusername',
  'makeaclitem',
  'obj_description',
  'row_security_active',
  'session_user',
  'shobj_description',
  'system_user',
  'user',
  'version',
])

export function isCatalogueType(name: string): boolean {
  return catalogueTypes.test(name)
}

/**
 * Whether a function shows the server, its catalogue or its sessions rather than the data. These are harmless to the server, and so on
 * the list of `checkReadOnly`; but a name in the catalogue is nothing that a caller may learn here.
 */
export function isAboutTheServer(name: string): boolean {
  if (aboutValues.has(name)) return false
  return (
    /^(pg|has|txid|acl)_|^acl|^inet_(client|server)_|^to_reg|^reg\w+send$/.test(name) ||
    aboutTheServer.has(name) ||
    catalogueTypes.test(name)
  )
}

/** `(x).f` may call `f`; a field of such a name is refused too, where the function takes something. */
export function isCallAsField(name: string): boolean {
  return /^(pg|has|txid)_|^to_reg/.test(name) || catalogueTypes.test(name)
}

/** The datasets' tables, and nothing else. */
export const dataSchema = 'data_desk'
/** What data-desk knows of them. */
export const catalogueSchema = 'data_desk_catalog'
/** Each imported table has a schema of its own, of which nobody can know the rest of the name. */
export const importSchemaPrefix = 'data_desk_import_'

/** Longest identifier of PostgreSQL, in bytes; what is longer it cuts. */
const maxBytes = 63

function cut(name: string, bytes: number): string {
  return Buffer.from(name)
    .subarray(0, bytes)
    .toString('utf8')
    .replace(/\uFFFD+$/, '')
}

/** The role that callers' statements run as: it may read the datasets of one database. Roles are the whole server's. */
export function readerRole(database: string): string {
  return `${cut(database, maxBytes - 17)}_data_desk_reader`
}

/** Column names as PostgreSQL keeps them: cut to 63 bytes, and of two that became one the later gets `_2`, `_3`... */
export function postgresColumnNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((wanted) => {
    let name = cut(wanted, maxBytes)
    for (let n = 2; taken.has(name); n += 1) name = `${cut(wanted, maxBytes - 4)}_${n}`
    taken.add(name)
    return name
  })
}

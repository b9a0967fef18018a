/** File kinds data-desk reads, the most exact first: when two files want one name, the earlier kind keeps it. */
export const tableKinds = ['parquet', 'csv', 'tsv', 'ndjson', 'json'] as const
export type TableKind = (typeof tableKinds)[number]

/** The bundled files that people know under another name than the file's. */
export const bundledNames: ReadonlyMap<string, string> = new Map([
  ['flights-3m.parquet', 'flights'],
  ['lookup_people.csv', 'people'],
])

/**
 * A file's stem as a table name: snake_case ASCII of at most 63 characters.
 * `londonCentroids` becomes `london_centroids`, `sp500-2000` becomes `sp500_2000`. A name may begin with a
 * digit or be an SQL keyword; {@link quoteIdentifier} is what makes it safe in a statement.
 */
export function snakeCase(stem: string): string {
  const name = stem
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase()
    .slice(0, 63)
  return name === '' ? 'table' : name
}

/** An identifier in double quotes, as DuckDB reads it back unchanged. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A string literal in single quotes. */
export function quoteLiteral(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

/** The identifier as one writes it in SQL: bare when that works, quoted when it is a keyword or oddly spelled. */
export function sqlName(name: string, keywords: ReadonlySet<string>): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !keywords.has(name) ? name : quoteIdentifier(name)
}

export interface NamedFile {
  readonly file: string
  readonly kind: TableKind
}

/**
 * Gives every file a table name of its own. Files are taken by kind, then alphabetically, so the outcome does
 * not depend on the order of the directory; a later file whose name is taken is called `<name>_<kind>`, then
 * `<name>_<kind>_2`, and so on.
 */
export function assignNames<F extends NamedFile>(
  files: readonly F[],
  known: ReadonlyMap<string, string> = new Map(),
): Map<string, F> {
  const ordered = [...files].sort(
    (a, b) =>
      Number(known.has(b.file)) - Number(known.has(a.file)) ||
      tableKinds.indexOf(a.kind) - tableKinds.indexOf(b.kind) ||
      (a.file < b.file ? -1 : 1),
  )
  const taken = new Map<string, F>()
  for (const entry of ordered) {
    const wanted = known.get(entry.file) ?? snakeCase(entry.file.replace(/\.[^.]+$/, ''))
    let name = wanted
    for (let n = 1; taken.has(name); n += 1) {
      name = n === 1 ? `${wanted}_${entry.kind}` : `${wanted}_${entry.kind}_${n}`
    }
    taken.set(name, entry)
  }
  return taken
}

import { open, readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { DataError } from './data-error.js'
import type { TableKind } from './table-names.js'

/** Files beyond this many in one directory are named as skipped: a directory of tables is not a file system. */
const maxFiles = 500
/** A JSON document that is not an array is read whole to name its shape; beyond this size it is only skipped. */
const maxDocumentBytes = 64 * 1024 * 1024

export interface SourceFile {
  readonly file: string
  readonly path: string
  readonly kind: TableKind
  readonly bytes: number
}

export interface SkippedFile {
  readonly file: string
  readonly reason: string
}

export interface SourceFiles {
  readonly tables: SourceFile[]
  readonly skipped: SkippedFile[]
}

/** The data directory of the installed `vega-datasets` package. Throws when the package is not installed. */
export function bundledDataDirectory(): string {
  const require = createRequire(import.meta.url)
  return join(dirname(require.resolve('vega-datasets')), '..', 'data')
}

/** Reads the first bytes that are not white space or a byte order mark. */
async function firstCharacter(path: string): Promise<string> {
  const handle = await open(path)
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(4096), 0, 4096, 0)
    return buffer
      .toString('utf8', 0, bytesRead)
      .replace(/^\uFEFF/, '')
      .trimStart()
      .charAt(0)
  } finally {
    await handle.close()
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What kind of table a JSON file holds, or the reason why it holds none. */
async function classifyJson(path: string, bytes: number): Promise<TableKind | { reason: string }> {
  const first = await firstCharacter(path)
  if (first === '[') return 'json'
  if (first !== '{') return { reason: first === '' ? 'the file is empty' : 'not an array of objects' }
  if (bytes > maxDocumentBytes) return 'ndjson'
  let document: unknown
  try {
    document = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''))
  } catch {
    return 'ndjson'
  }
  if (!isRecord(document)) return { reason: 'not an array of objects' }
  const type = document['type']
  if (type === 'Topology') return { reason: 'TopoJSON map, not a table' }
  if (type === 'FeatureCollection') return { reason: 'GeoJSON map, not a table' }
  if (Array.isArray(document['nodes']) && Array.isArray(document['links'])) {
    return { reason: 'a graph of nodes and links, not a table' }
  }
  if (Array.isArray(document['values'])) return { reason: 'a grid of values in one object, not a table' }
  return { reason: 'one JSON object, not an array of objects' }
}

const byExtension: ReadonlyMap<string, TableKind> = new Map([
  ['.parquet', 'parquet'],
  ['.csv', 'csv'],
  ['.tsv', 'tsv'],
  ['.ndjson', 'ndjson'],
  ['.jsonl', 'ndjson'],
])

const images = new Set(['.png', '.jpg', '.jpeg', '.gif', '.svg', '.webp'])

async function classify(path: string, bytes: number): Promise<TableKind | { reason: string }> {
  const extension = extname(path).toLowerCase()
  if (bytes === 0) return { reason: 'the file is empty' }
  if (extension === '.json') return classifyJson(path, bytes)
  const kind = byExtension.get(extension)
  if (kind !== undefined) return kind
  if (images.has(extension)) return { reason: 'an image, not a table' }
  if (extension === '.arrow') return { reason: 'Arrow IPC is not read; use Parquet, CSV or JSON' }
  return { reason: `no table format data-desk reads (${extension === '' ? 'no extension' : extension})` }
}

/**
 * Lists a directory's files, tables apart from what is skipped and why. Sub-directories are not entered, hidden
 * files are left out. Throws one sentence when the directory cannot be read.
 */
export async function findSourceFiles(directory: string): Promise<SourceFiles> {
  let names: string[]
  try {
    names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
    throw new DataError(`The data directory ${directory} cannot be read (${code}).`, { cause })
  }
  const tables: SourceFile[] = []
  const skipped: SkippedFile[] = []
  for (const file of names) {
    const path = join(directory, file)
    try {
      const info = await stat(path)
      const kind = !info.isFile()
        ? { reason: info.isDirectory() ? 'a directory; only files directly inside are read' : 'not a file' }
        : tables.length >= maxFiles
          ? { reason: `more than ${maxFiles} tables in one directory` }
          : await classify(path, info.size)
      if (typeof kind === 'string') tables.push({ file, path, kind, bytes: info.size })
      else skipped.push({ file, reason: kind.reason })
    } catch {
      skipped.push({ file, reason: 'it cannot be read' })
    }
  }
  return { tables, skipped }
}

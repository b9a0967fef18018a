import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Pool, QueryResultRow } from 'pg'
import { root } from '../../docs/fences.js'

const page = readFileSync(join(root, 'docs/sql.md'), 'utf8')

interface Rows {
  rows: QueryResultRow[]
  truncated: boolean
}

/** What docs/sql.md gives its readers to copy. */
export interface Recipe {
  /** All three layers. */
  query(pool: Pool, text: string, values?: unknown[]): Promise<Rows>
  /** Without the parser. */
  readOnly(pool: Pool, text: string, values: unknown[]): Promise<Rows>
}

/** Runs the code of the page as it stands there, so that what is tested is what is copied. */
export async function loadRecipe(): Promise<Recipe> {
  mkdirSync(join(root, '.tmp'), { recursive: true })
  const folder = mkdtempSync(join(root, '.tmp/recipe-'))
  try {
    const file = join(folder, 'recipe.ts')
    writeFileSync(file, fenceWith('ts', 'export async function readOnly'))
    return (await import(/* @vite-ignore */ file)) as Recipe
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The commands of the page that make the role, for a database and a role of these names. */
export function roleCommands(database: string, role: string): string {
  return fenceWith('sql', 'create role reader')
    .replaceAll(/\bshop\b/g, database)
    .replaceAll(/\breader\b/g, role)
}

function fenceWith(language: string, text: string): string {
  const fences = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
  const found = fences.find(([, name, code = '']) => name === language && code.includes(text))?.[2]
  if (found === undefined) throw new Error(`docs/sql.md has no ${language} block with "${text}".`)
  return found
}

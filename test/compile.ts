import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const sources = fileURLToPath(new URL('../src/', import.meta.url))

export interface Compiled {
  /** The folder that stands for `src/`, holding JavaScript. */
  folder: string
  remove(): void
}

/**
 * Turns the TypeScript files of the named folders under `src/` into JavaScript in a temporary folder, types dropped
 * and nothing checked, so that a test can start real processes without a build.
 */
export function compileSources(folders: readonly string[]): Compiled {
  const out = mkdtempSync(join(tmpdir(), 'holdfast-compiled-'))
  writeFileSync(join(out, 'package.json'), '{"type":"module"}')
  for (const folder of folders) {
    for (const name of readdirSync(join(sources, folder))) {
      if (!name.endsWith('.ts') || name.includes('.test')) continue
      const { outputText } = ts.transpileModule(readFileSync(join(sources, folder, name), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2023,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
        },
      })
      const target = join(out, folder, name.replace(/\.ts$/, '.js'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, outputText)
    }
  }
  return { folder: out, remove: () => rmSync(out, { recursive: true, force: true }) }
}

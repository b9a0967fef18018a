// For the tests of the scripts: a small tree of files in a temporary folder.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/**
 * @param {Record<string, string>} files path -> content
 * @param {{ modules?: boolean }} [options] modules: link this package's node_modules into the tree
 * @returns {string} the tree's root; it is gone when the test is over
 */
export function tree(files, { modules = false } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-tree-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  if (modules)
    symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(root, 'node_modules'))
  return root
}

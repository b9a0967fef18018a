// npm run check:lock: the lock file serves every platform and names no registry.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isMain, report } from './source-tree.mjs'

/**
 * npm leaves an optional platform package out of the lock, without a word, when the registry it asks has not
 * got that version; `npm ci` then fails, or installs a package without its binary on the other platform.
 * @param {{ packages: Record<string, object> }} lock
 * @returns {string[]}
 */
export function checkLock({ packages }) {
  const problems = []
  for (const [path, { resolved = '', integrity, link, optionalDependencies = {} }] of Object.entries(
    packages,
  )) {
    if (resolved.includes('://')) problems.push(`${path}: resolved names a host`)
    const ours = path === '' || !path.includes('node_modules/')
    if (!ours && !link && integrity === undefined) problems.push(`${path}: no integrity`)
    for (const name of Object.keys(optionalDependencies)) {
      const found = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((one) => one in packages)
      if (!found)
        problems.push(`${path}: optional ${name} is not locked; pick a version that every platform has`)
    }
  }
  return problems
}

if (isMain(import.meta)) {
  const lock = JSON.parse(
    readFileSync(fileURLToPath(new URL('../package-lock.json', import.meta.url)), 'utf8'),
  )
  report('lock file', checkLock(lock), `${Object.keys(lock.packages).length} packages`)
}

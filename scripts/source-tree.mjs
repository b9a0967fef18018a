// What the checks share: listing source files and reading their imports with the TypeScript parser.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'coverage', '.git', '.tmp'])

/** Every file below `folder` whose name matches, as paths relative to `root` with forward slashes, sorted. */
export function listFiles(root, folder, pattern) {
  const found = []
  const walk = (path) => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const child = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) walk(child)
      else if (entry.isFile() && pattern.test(entry.name)) found.push(child)
    }
  }
  if (existsSync(join(root, folder))) walk(folder)
  return found.sort()
}

/** `a.test.ts`, `a.test-d.ts`, `a.test.mjs` */
export function isTest(path) {
  return /\.test(-d)?\.(ts|mjs)$/.test(path)
}

/** Parses one file; `setParentNodes` is on. */
export function parse(root, path) {
  const text = readFileSync(join(root, path), 'utf8')
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true)
}

/**
 * @typedef {object} Import
 * @property {string} specifier as written
 * @property {'value' | 'type' | 'dynamic' | 'bare'} kind `type` vanishes at run time; `bare` binds no name
 * @property {number} line from 1
 */

/**
 * All imports of a parsed file: import and export declarations, `import()`, and `import('x').T` types.
 * @returns {Import[]}
 */
export function importsOf(source) {
  const imports = []
  const add = (node, specifier, kind) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
    imports.push({ specifier: specifier.text, kind, line })
  }
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      const kind = node.importClause === undefined ? 'bare' : typeOnly(node.importClause) ? 'type' : 'value'
      add(node, node.moduleSpecifier, kind)
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value')
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], 'dynamic')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, 'type')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return imports
}

function typeOnly(clause) {
  return clause.phaseModifier === ts.SyntaxKind.TypeKeyword || clause.isTypeOnly === true
}

/**
 * The file a relative specifier means: `./x.js` is `x.ts` in sources and `x.js` in a build.
 * @returns {string | undefined} undefined for a package name and for a file that is not there
 */
export function resolveRelative(root, from, specifier) {
  if (!specifier.startsWith('.')) return undefined
  const path = posix.join(dirname(from).replaceAll('\\', '/'), specifier)
  const candidates = [path.replace(/\.js$/, '.ts'), path, `${path}.ts`, `${path}/index.ts`]
  return candidates.find((candidate) => /\.\w+$/.test(candidate) && existsSync(join(root, candidate)))
}

/** Prints the problems and sets the exit code; the last line of a good run says what was looked at. */
export function report(name, problems, looked) {
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  const verdict =
    problems.length === 0 ? 'ok' : `${problems.length} problem${problems.length === 1 ? '' : 's'}`
  process.stderr.write(`${name}: ${verdict} (${looked})\n`)
  if (problems.length > 0) process.exitCode = 1
}

/** True when the module was started as a script, not imported by a test. */
export function isMain(meta) {
  return process.argv[1] !== undefined && meta.url === pathToFileURL(realpathSync(process.argv[1])).href
}

// npm run check:files: length and names of files, escapes from the type system, output that would corrupt stdio,
// and every path that the documentation names.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { isMain, isTest, listFiles, parse, report } from './source-tree.mjs'

export const LONGEST_FILE = 400
export const LONG_FILE = 300
const CODE_FOLDERS = ['src', 'test', 'examples', 'benchmarks', 'scripts']
// stdout belongs to the protocol on stdio; these folders are where that is arranged, or are programs themselves.
const MAY_TOUCH_STDOUT = ['src/transports/stdio/', 'src/node/', 'src/cli/', 'src/doctor/']
const NEUTRAL = ['src/engine/', 'src/contracts/', 'src/errors/', 'src/schema/', 'src/protocol/']
const NODE_GLOBALS = new Set(['process', 'Buffer', '__dirname', '__filename', 'require'])

function codeFiles(root) {
  return CODE_FOLDERS.flatMap((folder) => listFiles(root, folder, /\.(ts|mjs)$/))
}

/** @returns {{ problems: string[], notes: string[] }} notes are files that grow long but may stay */
export function checkLengths(root) {
  const problems = []
  const notes = []
  for (const path of codeFiles(root)) {
    const lines = readFileSync(join(root, path), 'utf8').trimEnd().split('\n').length
    if (lines > LONGEST_FILE) problems.push(`${path}: ${lines} lines; ${LONGEST_FILE} at most, split it`)
    else if (lines > LONG_FILE) notes.push(`${path}: ${lines} lines`)
  }
  return { problems, notes }
}

/** @returns {string[]} */
export function checkNames(root) {
  const problems = []
  for (const path of codeFiles(root)) {
    const name = posix.basename(path)
    if (/^(utils?|helpers?|common|misc)\b/.test(name) || /-utils?\./.test(name)) {
      problems.push(`${path}: a file is named after the concept it holds`)
    }
    if (path.startsWith('src/') && name === 'index.ts' && !isEntry(root, path)) {
      problems.push(`${path}: index.ts is for package entries; import the file that has what you need`)
    }
  }
  return problems
}

function isEntry(root, path) {
  const { exports = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const built = `./${path.replace(/^src/, 'dist').replace(/\.ts$/, '.js')}`
  return Object.values(exports).some((target) => target === built || target.default === built)
}

/** `any`, compiler directives, stdout and runtime globals where they do not belong. @returns {string[]} */
export function checkEscapes(root) {
  const problems = []
  for (const path of codeFiles(root).filter((name) => name.endsWith('.ts'))) {
    const source = parse(root, path)
    const at = (position) => `${path}:${source.getLineAndCharacterOfPosition(position).line + 1}`
    for (const match of source.text.matchAll(/@ts-(ignore|nocheck|expect-error)\b/g)) {
      // A type test says with @ts-expect-error that something must not compile; nothing else may.
      if (match[1] !== 'expect-error' || !isTest(path)) problems.push(`${at(match.index)}: ${match[0]}`)
    }
    const shipped = path.startsWith('src/') && !isTest(path)
    const visit = (node) => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) problems.push(`${at(node.pos)}: any; say unknown and check`)
      if (shipped && ts.isIdentifier(node)) problems.push(...misplacedGlobal(path, node, at))
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return problems
}

function misplacedGlobal(path, node, at) {
  const { parent, text } = node
  const startsExpression =
    ts.isExpression(parent) && !(ts.isPropertyAccessExpression(parent) && parent.name === node)
  if (!startsExpression || ts.isPropertyAssignment(parent)) return []
  if (text === 'process' && ts.isPropertyAccessExpression(parent) && parent.name.text === 'stdout') {
    const allowed = MAY_TOUCH_STDOUT.some((folder) => path.startsWith(folder))
    return allowed ? [] : [`${at(node.pos)}: process.stdout belongs to the stdio transport`]
  }
  if (NODE_GLOBALS.has(text) && NEUTRAL.some((folder) => path.startsWith(folder))) {
    return [`${at(node.pos)}: ${text} does not exist on every runtime`]
  }
  return []
}

/** Paths in backticks and relative links in *.md files lead to something that is there. @returns {string[]} */
export function checkDocPaths(root) {
  const top = new Set(
    readdirSync(root).filter((name) => !['node_modules', 'dist', 'coverage'].includes(name)),
  )
  const problems = []
  for (const path of listFiles(root, '', /\.md$/)) {
    const lines = readFileSync(join(root, path), 'utf8').split('\n')
    let fenced = false
    for (const [index, line] of lines.entries()) {
      if (/^\s*(```|~~~)/.test(line)) fenced = !fenced
      if (fenced) continue
      const links = [...line.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)].map((match) => match[1])
      const quoted = [...line.matchAll(/`([^`\s]+)`/g)].map((match) => match[1])
      const named = [
        ...links.filter((link) => !/^[a-z]+:/i.test(link)),
        ...quoted.filter((text) => looksLikePath(text, top)),
      ]
      for (const text of named.filter((name) => !leadsSomewhere(root, path, name))) {
        problems.push(`${path}:${index + 1}: ${text} is not there`)
      }
    }
  }
  return problems
}

function looksLikePath(text, top) {
  if (!/^\.{0,2}\/?[\w@.*{}-]+(\/[\w@.*{}-]+)*\/?$/.test(text)) return false
  const first = text.replace(/^\.\//, '').split('/')[0]
  if (text.includes('/')) return first === '..' || top.has(first)
  return /\.md$/.test(text) || (top.has(text) && text.includes('.'))
}

function leadsSomewhere(root, from, text) {
  // What a pattern matches is not looked up; the folder it starts in is.
  const fixed = /[*{]/.test(text) ? text.slice(0, text.search(/[*{]/)).replace(/[^/]*$/, '') : text
  return [join(root, dirname(from), fixed), join(root, fixed)].some((path) => existsSync(path))
}

if (isMain(import.meta)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const { problems, notes } = checkLengths(root)
  for (const note of notes) process.stderr.write(`long: ${note}\n`)
  problems.push(...checkNames(root), ...checkEscapes(root), ...checkDocPaths(root))
  report('files', problems, `${codeFiles(root).length} files`)
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../../', import.meta.url))

export interface FoundPattern {
  /** `src/errors/shown.ts:8` */
  readonly where: string
  readonly pattern: RegExp
}

/** What threads and processes of their own begin with: loading it would make this process one of them. */
export const programs: readonly string[] = [
  'src/concurrency/workers/thread.ts',
  'src/node/blocking/watchdog.ts',
  'src/services/sqlite/reader-process.ts',
]

/** Every source file that is shipped, as paths below the package. */
export function sourceFiles(): readonly string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((path) => `src/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !/\.test(-d)?\.ts$/.test(path))
    .sort()
}

/** What a file says in regular expressions: its literals, and the places where it constructs some. */
export function patternsIn(path: string): { literals: FoundPattern[]; constructed: string[] } {
  const source = ts.createSourceFile(
    path,
    readFileSync(join(root, path), 'utf8'),
    ts.ScriptTarget.ES2023,
    true,
  )
  const literals: FoundPattern[] = []
  const constructed: string[] = []
  const visit = (node: ts.Node): void => {
    const where = `${path}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      literals.push({ where, pattern: new RegExp(node.text.slice(1, end), node.text.slice(end + 1)) })
    } else if (
      (ts.isNewExpression(node) || ts.isCallExpression(node)) &&
      node.expression.getText(source) === 'RegExp'
    ) {
      constructed.push(where)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { literals, constructed }
}

/** Loads every module of the sources but the programs, then does `use`, and gives the expressions that they construct meanwhile. */
export async function constructedBy(use: () => Promise<void>): Promise<readonly FoundPattern[]> {
  const found: FoundPattern[] = []
  const Original = globalThis.RegExp
  let noting = false
  const note = (pattern: RegExp): RegExp => {
    // Whoever maps the stack to the sources constructs some too.
    if (noting) return pattern
    noting = true
    // The first line is the message, the second this function, the third the trap.
    const [, , , caller = ''] = new Error().stack?.split('\n') ?? []
    const at = caller.lastIndexOf(`${root}src/`)
    if (at >= 0) {
      const [path = '', line = ''] = caller.slice(at + root.length).split(':')
      found.push({ where: `${path}:${line}`, pattern })
    }
    noting = false
    return pattern
  }
  globalThis.RegExp = new Proxy(Original, {
    construct: (target, args: [string, string?]) => note(new target(...args)),
    apply: (target, _self, args: [string, string?]) => note(target(...args)),
  })
  try {
    for (const path of sourceFiles().filter((file) => !programs.includes(file)))
      await import(pathToFileURL(join(root, path)).href)
    await use()
  } finally {
    globalThis.RegExp = Original
  }
  return found
}

// npm run check:promises: a promise that nobody awaits rejects into nothing, or ends the process.
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { isMain, report } from './source-tree.mjs'

/** Builds the program a tsconfig describes. @throws {Error} when the file cannot be read */
export function programOf(configPath) {
  const { config, error } = ts.readConfigFile(configPath, ts.sys.readFile)
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, dirname(configPath))
  return ts.createProgram(parsed.fileNames, parsed.options)
}

/**
 * Flags a statement that drops a promise (also one made by `&&`, `?:`, `?.` or an array of them) and an async
 * function handed to a caller that expects nothing back. `await`, `void`, `.catch(handler)` and
 * `.then(onFulfilled, onRejected)` settle the matter.
 * @returns {string[]} `path:line: sentence`
 */
export function checkPromises(program, root) {
  const checker = program.getTypeChecker()
  const problems = []
  for (const source of program.getSourceFiles()) {
    if (source.isDeclarationFile || program.isSourceFileFromExternalLibrary(source)) continue
    const path = relative(root, source.fileName).replaceAll('\\', '/')
    const say = (node, sentence) => {
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
      problems.push(`${path}:${line}: ${sentence}`)
    }
    const visit = (node) => {
      if (ts.isExpressionStatement(node) && floats(checker, node.expression)) {
        say(node, 'a floating promise; await it, catch it, or say void where losing it is right')
      } else if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        for (const argument of node.arguments ?? []) {
          if (dropped(checker, argument)) say(argument, 'an async function whose caller drops its promise')
        }
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return problems
}

function floats(checker, written) {
  const node = ts.skipOuterExpressions(written)
  if (ts.isVoidExpression(node) || ts.isAwaitExpression(node)) return false
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.kind
    if (operator === ts.SyntaxKind.CommaToken)
      return floats(checker, node.left) || floats(checker, node.right)
    // An assignment keeps the promise where something else can await it.
    if (operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment) return false
    return floats(checker, node.right)
  }
  if (ts.isConditionalExpression(node))
    return floats(checker, node.whenTrue) || floats(checker, node.whenFalse)
  if (!isPromiseLike(checker, checker.getTypeAtLocation(node), node)) return false
  return !isSettled(checker, node)
}

function isSettled(checker, node) {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
  const { name, expression } = node.expression
  if (name.text === 'catch') return node.arguments.length >= 1
  if (name.text === 'then') return node.arguments.length >= 2
  return name.text === 'finally' && !floats(checker, expression)
}

function isPromiseLike(checker, type, node) {
  if (type.isUnion()) return type.types.some((part) => isPromiseLike(checker, part, node))
  if (checker.isArrayType(type) || checker.isTupleType(type)) {
    return checker.getTypeArguments(type).some((part) => isPromiseLike(checker, part, node))
  }
  const then = checker.getPropertyOfType(checker.getApparentType(type), 'then')
  return then !== undefined && checker.getTypeOfSymbolAtLocation(then, node).getCallSignatures().length > 0
}

function dropped(checker, argument) {
  const isFunction = ts.isArrowFunction(argument) || ts.isFunctionExpression(argument)
  if (!isFunction || !argument.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AsyncKeyword))
    return false
  const expected = checker.getContextualType(argument)
  const signatures = expected === undefined ? [] : signaturesOf(checker.getNonNullableType(expected))
  const returnsVoid = ({ flags }) => (flags & ts.TypeFlags.Void) !== 0
  return (
    signatures.length > 0 && signatures.every((one) => returnsVoid(checker.getReturnTypeOfSignature(one)))
  )
}

function signaturesOf(type) {
  return type.isUnion() ? type.types.flatMap((part) => part.getCallSignatures()) : type.getCallSignatures()
}

if (isMain(import.meta)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const program = programOf(`${root}tsconfig.json`)
  report('floating promises', checkPromises(program, root), `${program.getRootFileNames().length} files`)
}

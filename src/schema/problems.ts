import type { SchemaNode } from './keywords.js'
import { MAX_PROBLEMS, type Problem } from './problem.js'
import { fromError, problem, type Role, type Scene, wholeOf } from './sentences.js'
import { collapseUnions } from './unions.js'
import type { ErrorObject, Validators } from './validators.js'

/** Largest value whose every error is collected: a million items would make a million errors. */
const MAX_EXPLAINED_VALUES = 1000
const MAX_EXPLAINED_DEPTH = 64
const MAX_ERRORS = 400

/**
 * Says what is wrong with a value that a JSON Schema refuses: every problem if the value is small (1000 values, 64
 * levels), else the first one. ajv must be loaded. Empty if the schema accepts the value. Never throws for a value;
 * throws if ajv cannot compile the schema, which a library may have written.
 */
export function explainErrors(value: unknown, validators: Validators, role: Role): readonly Problem[] {
  const validate = isSmall(value) ? validators.explain() : validators.verdict()
  if (validate === undefined) return []
  let errors: ErrorObject[]
  try {
    if (validate(value)) return []
    errors = (validate.errors ?? []).slice(0, MAX_ERRORS)
  } catch (error) {
    return [problem([], `${wholeOf(role)} cannot be checked: ${unchecked(error, role)}.`)]
  } finally {
    // The errors hold the value itself; a refused value must not stay in memory until the next refusal.
    validate.errors = null
  }
  const scene: Scene = { root: validators.doc, value, role }
  const problems: Problem[] = []
  const told = new Set<string>()
  for (const error of collapseUnions(errors, scene)) {
    if (problems.length >= MAX_PROBLEMS) break
    const found = 'message' in error && 'field' in error ? error : fromError(error, scene)
    if (found === undefined) continue
    const key = JSON.stringify(found.path)
    if (told.has(key)) continue
    told.add(key)
    problems.push(found)
  }
  return problems.length > 0 ? problems : [unexplained(role)]
}

/** For a value that was refused by something that did not say why. */
export function unexplained(role: Role): Problem {
  return problem(
    [],
    role === 'input' ? 'The arguments do not fit the schema.' : 'The result does not fit the schema.',
  )
}

/**
 * A value that nests deeper than the stack ends a recursive schema, and the comparison behind `uniqueItems`, `enum` and
 * `const` calls `valueOf` and `toString` of what it is given, which JSON may well define as something else.
 */
function unchecked(error: unknown, role: Role): string {
  if (error instanceof RangeError) return `${role === 'input' ? 'they nest' : 'it nests'} too deeply`
  return 'a property is named "valueOf", "toString" or "constructor" where whole objects are compared; rename it'
}

function isSmall(value: unknown): boolean {
  let budget = MAX_EXPLAINED_VALUES
  const visit = (item: unknown, depth: number): boolean => {
    budget -= 1
    if (budget < 0 || depth > MAX_EXPLAINED_DEPTH) return false
    if (typeof item !== 'object' || item === null) return true
    if (Array.isArray(item)) return item.length <= budget && item.every((member) => visit(member, depth + 1))
    for (const key in item) if (!visit((item as SchemaNode)[key], depth + 1)) return false
    return true
  }
  return visit(value, 0)
}

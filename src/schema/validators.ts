import type { ErrorObject, Options, ValidateFunction } from 'ajv'
import type { Dialect } from './document.js'
import type { JsonSchema } from './json-schema.js'
import { type SchemaNode, vocabularyOnly } from './keywords.js'

/**
 * The one place that knows ajv. It is loaded on first need, because loading it and compiling once costs more than a
 * whole bare start of Node; see `early.ts` for what stands in until then.
 */

export type { ErrorObject }

/** What both uses of ajv share: one compiled function that keeps its errors on itself. */
export type Validate = ValidateFunction

interface Compiler {
  compile(schema: object): ValidateFunction
  removeSchema(schema: object): unknown
}

/** Two instances of one dialect: `verdict` stops at the first error, `explain` collects all of them. */
interface Engine {
  readonly verdict: Compiler
  explain(): Compiler
  readonly explanations: Explanations
}

export type Explanations = typeof import('./explanations.js')

/**
 * - `validateSchema` and `meta` off: `inspect.ts` has looked the document over, and compiling the meta-schema would
 *   double the cost of the first compile.
 * - `ownProperties`: without it `{}` satisfies `required: ["constructor"]`.
 * - `strictNumbers`: NaN and Infinity (which `1e400` parses to) are not numbers in JSON.
 * - `logger` off: an unknown format is allowed by the specification and no reason to print.
 */
function options(formats: NonNullable<Options['formats']>, allErrors: boolean): Options {
  return {
    strict: false,
    strictNumbers: true,
    ownProperties: true,
    allErrors,
    verbose: true,
    validateSchema: false,
    meta: false,
    logger: false,
    formats,
  }
}

async function loadEngine(dialect: Dialect): Promise<Engine> {
  const [{ fullFormats }, Ajv, explanations] = await Promise.all([
    import('ajv-formats/dist/formats.js'),
    dialect === '2020-12'
      ? import('ajv/dist/2020.js').then((module) => module.Ajv2020)
      : import('ajv').then((module) => module.Ajv),
    import('./explanations.js'),
  ])
  const verdict = new Ajv(options(fullFormats, false))
  let explain: Compiler | undefined
  return {
    verdict,
    explanations,
    explain() {
      explain ??= new Ajv(options(fullFormats, true))
      return explain
    },
  }
}

const ready = new Map<Dialect, Engine>()
const loading = new Map<Dialect, Promise<Explanations>>()

/** Loads ajv and the explanations for one dialect; the same promise for everyone. A failed load is tried again by the next caller. */
export function load(dialect: Dialect): Promise<Explanations> {
  const before = loading.get(dialect)
  if (before !== undefined) return before
  const started = loadEngine(dialect).then(
    (engine) => {
      // The first compile costs ten times the next: pay for it here and not in somebody's call.
      compileWith(engine.verdict, { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] })
      ready.set(dialect, engine)
      return engine.explanations
    },
    (error: unknown) => {
      loading.delete(dialect)
      throw error
    },
  )
  loading.set(dialect, started)
  return started
}

/**
 * Loads the validator ahead of the first call that needs it. Idempotent. Call it when nobody is waiting, such as after
 * the first list was answered; until it is done, checks of plain JSON Schemas are asynchronous.
 */
export async function warmUp(): Promise<void> {
  await load('2020-12')
}

/** What explains a refusal, once it is loaded; from then on checks in this dialect are synchronous. */
export function explanationsOf(dialect: Dialect): Explanations | undefined {
  return ready.get(dialect)?.explanations
}

/** ajv keeps every schema it has seen; tools come and go, so it is told to forget. The function lives on. */
function compileWith(compiler: Compiler, schema: object): ValidateFunction {
  const compiled = compiler.compile(schema)
  compiler.removeSchema(schema)
  return compiled
}

/** One document and its two compiled functions, each made when first needed. */
export class Validators {
  readonly #dialect: Dialect
  readonly #doc: SchemaNode
  #verdict: Validate | undefined
  #explain: Validate | undefined

  constructor(schema: JsonSchema, dialect: Dialect) {
    this.#dialect = dialect
    // Without `$id` a document cannot collide with another tool's; all its references are local (`inspect.ts`).
    this.#doc = vocabularyOnly(schema)
  }

  /** The document as ajv sees it: known keywords only; the `parentSchema` of an error is an object in here. */
  get doc(): SchemaNode {
    return this.#doc
  }

  /** Stops at the first error. Undefined while ajv is not loaded. */
  verdict(): Validate | undefined {
    if (this.#verdict === undefined) {
      const engine = ready.get(this.#dialect)
      if (engine !== undefined) this.#verdict = compileWith(engine.verdict, this.#doc)
    }
    return this.#verdict
  }

  /** Collects every error; only for values that are known to be small. Undefined while ajv is not loaded. */
  explain(): Validate | undefined {
    if (this.#explain === undefined) {
      const engine = ready.get(this.#dialect)
      if (engine !== undefined) this.#explain = compileWith(engine.explain(), this.#doc)
    }
    return this.#explain
  }
}

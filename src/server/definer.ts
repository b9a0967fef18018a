import type { AccessOptions } from '../engine/access.js'
import type {
  ErrorCatalogue,
  FixedResourceOptions,
  NoErrors,
  PromptHandler,
  PromptOptions,
  ResourceHandler,
  TemplateResourceOptions,
  ToolDefinition,
  ToolHandler,
  ToolOptions,
  WorkerToolOptions,
} from '../engine/definitions.js'
import type { Duration } from '../engine/duration.js'
import type { Engine } from '../engine/engine.js'
import { isObject } from '../engine/option-rules.js'
import type { LimitOptions } from '../engine/policies.js'
import { accessRules } from '../engine/policy-tables.js'
import { createPrompt } from '../engine/prompts.js'
import type { DefinitionHandle } from '../engine/registry.js'
import { type AnyResourceOptions, createResource } from '../engine/resource-definition.js'
import { createTool } from '../engine/tools.js'
import { DefinitionError } from '../errors/definition-error.js'
import type { Icon, Meta, ToolAnnotations } from '../protocol/types.js'
import type { SchemaLike } from '../schema/infer.js'

/** What the definitions of a group have in common; each definition's own options win, but access adds up. */
export interface GroupOptions extends AccessOptions, LimitOptions {
  /** Goes before each name, as it is: `admin-`. */
  readonly prefix?: string
  readonly annotations?: ToolAnnotations
  readonly icons?: readonly Icon[]
  readonly meta?: Meta
  readonly timeout?: Duration
  readonly repair?: boolean
  readonly sanitize?: boolean
}

/** Where definitions are added: the server itself, or a group of it. */
export interface Definer<Services> {
  /**
   * Adds a tool whose work is done on a thread (docs/workers.md).
   * @throws DefinitionError with the sentence that mends a wrong definition.
   */
  tool<
    const Input extends SchemaLike | undefined = undefined,
    const Output extends SchemaLike | undefined = undefined,
    const Errors extends ErrorCatalogue = NoErrors,
  >(name: string, options: WorkerToolOptions<Input, Output, Errors>): DefinitionHandle
  /**
   * Adds a tool. Input, output, services and error codes are typed from the definition to the handler.
   * @throws DefinitionError with the sentence that mends a wrong definition.
   */
  tool<
    const Input extends SchemaLike | undefined = undefined,
    const Output extends SchemaLike | undefined = undefined,
    const Errors extends ErrorCatalogue = NoErrors,
  >(
    name: string,
    options: ToolOptions<Input, Output, Errors>,
    handler: ToolHandler<Input, Output, NoInfer<Errors>, Services>,
  ): DefinitionHandle
  /** Adds a definition from a file of its own; it does not compile when the server lacks a service it needs. */
  add(definition: ToolDefinition<Services>): DefinitionHandle
  resource(
    name: string,
    options: FixedResourceOptions,
    handler: ResourceHandler<'', Services>,
  ): DefinitionHandle
  resource<const Template extends string>(
    name: string,
    options: TemplateResourceOptions<Template, Services>,
    handler: ResourceHandler<Template, Services>,
  ): DefinitionHandle
  prompt<const Input extends SchemaLike | undefined = undefined>(
    name: string,
    options: PromptOptions<Input, Services>,
    handler: PromptHandler<Input, Services>,
  ): DefinitionHandle
  /** Definitions that share options. Groups may hold groups; prefixes add up. */
  group(options: GroupOptions): Definer<Services>
}

/** Adds definitions to an engine, with a group's options laid under each one's own. */
export function createDefiner<Services>(
  engine: Engine,
  group: GroupOptions = {},
  within: readonly AccessOptions[] = [],
): Definer<Services> {
  const { environment } = engine
  const named = (name: string): string => `${group.prefix ?? ''}${name}`

  function addTool(definition: ToolDefinition): DefinitionHandle {
    const { annotations, icons, meta, repair, sanitize } = group
    if (!isObject(definition) || !isObject(definition.options)) {
      throw new DefinitionError(
        'A tool is defined as server.tool(name, { description, input, ... }, handler), or by what toolsFor() makes.',
      )
    }
    const { options } = definition
    const merged: ToolDefinition['options'] = {
      ...(icons && { icons }),
      ...limitsOf(group),
      ...(repair !== undefined && { repair }),
      ...(sanitize !== undefined && { sanitize }),
      ...options,
      ...((annotations ?? options.annotations) && {
        annotations: { ...annotations, ...options.annotations },
      }),
      ...((meta ?? options.meta) && { meta: { ...meta, ...options.meta } }),
    }
    return engine.tools.add(
      createTool({ ...definition, name: named(definition.name), options: merged, within }, environment),
    )
  }

  function addResource(
    name: string,
    options: AnyResourceOptions,
    handler: (request: never, ctx: never) => unknown,
  ): DefinitionHandle {
    const entry = createResource(
      named(name),
      { ...limitsOf(group), ...options },
      handler,
      environment,
      within,
    )
    for (const other of engine.resources.all()) {
      if (uriOf(other) === uriOf(entry)) {
        throw new DefinitionError(
          `The resources "${other.name}" and "${entry.name}" have the same URI ${uriOf(entry)}; give each its own.`,
        )
      }
    }
    return engine.resources.add(entry)
  }

  return {
    tool: (
      name: string,
      options: ToolDefinition['options'],
      handler?: (args: never, ctx: never) => unknown,
    ) => addTool({ kind: 'tool', name, options, handler }),
    add: (definition) => addTool(definition as ToolDefinition),
    resource: (name: string, options: AnyResourceOptions, handler: (request: never, ctx: never) => unknown) =>
      addResource(name, options, handler),
    prompt: (name, options, handler) =>
      engine.prompts.add(
        createPrompt(named(name), { ...limitsOf(group), ...options }, handler, environment, within),
      ),
    group(options) {
      checkGroup(options)
      const merged: GroupOptions = {
        ...group,
        ...options,
        prefix: named(options.prefix ?? ''),
        ...((group.annotations ?? options.annotations) && {
          annotations: { ...group.annotations, ...options.annotations },
        }),
        ...((group.meta ?? options.meta) && { meta: { ...group.meta, ...options.meta } }),
      }
      return createDefiner<Services>(engine, merged, [...within, options])
    },
  }
}

/** What a group says of every kind of definition. */
function limitsOf({
  timeout,
  rateLimit,
  concurrency,
}: GroupOptions): Pick<GroupOptions, 'timeout'> & LimitOptions {
  return {
    ...(timeout !== undefined && { timeout }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(concurrency !== undefined && { concurrency }),
  }
}

/** A slip in what guards the definitions must not go unnoticed. @throws DefinitionError */
function checkGroup(options: unknown): void {
  if (!isObject(options)) {
    throw new DefinitionError("server.group() takes an object of options, such as { prefix: 'admin-' }.")
  }
  for (const [name, check] of Object.entries(accessRules)) {
    if (options[name] !== undefined) check(options[name], name, 'The group: ')
  }
}

function uriOf(entry: ReturnType<typeof createResource>): string {
  return entry.kind === 'fixed' ? entry.resource.uri : entry.template.text
}

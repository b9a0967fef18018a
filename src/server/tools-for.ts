import type {
  ErrorCatalogue,
  NoErrors,
  ToolDefinition,
  ToolHandler,
  ToolOptions,
  WorkerToolOptions,
} from '../engine/definitions.js'
import type { SchemaLike } from '../schema/infer.js'

/** Makes a tool's definition without a server, typed as `server.tool` would. */
export interface DefineTool<Services> {
  <
    const Input extends SchemaLike | undefined = undefined,
    const Output extends SchemaLike | undefined = undefined,
    const Errors extends ErrorCatalogue = NoErrors,
  >(
    name: string,
    options: WorkerToolOptions<Input, Output, Errors>,
  ): ToolDefinition<unknown>
  <
    const Input extends SchemaLike | undefined = undefined,
    const Output extends SchemaLike | undefined = undefined,
    const Errors extends ErrorCatalogue = NoErrors,
  >(
    name: string,
    options: ToolOptions<Input, Output, Errors>,
    handler: ToolHandler<Input, Output, NoInfer<Errors>, Services>,
  ): ToolDefinition<Services>
}

/**
 * For a tool in a file of its own: `export const findOrder = toolsFor<{ db: Pool }>()('find-order', ...)`.
 * `server.add(findOrder)` compiles only on a server that has those services.
 */
export function toolsFor<Services>(): DefineTool<Services> {
  return (
    name: string,
    options: ToolDefinition['options'],
    handler?: (args: never, ctx: never) => unknown,
  ) => ({ kind: 'tool', name, options, handler })
}

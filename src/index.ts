export type { ItemError, MapOptions, MapPlace, MapWork, Outcome } from './concurrency/map-items.js'
export type { AuditRecord, AuditSink } from './contracts/audit.js'
export type {
  AuthenticationFailure,
  AuthenticationResult,
  Authenticator,
  Credentials,
} from './contracts/authenticator.js'
export type { BoundedStats } from './contracts/bounded.js'
export type { Bus } from './contracts/bus.js'
export type { Clock } from './contracts/clock.js'
export type { EventStore, KeptEvent, KeptEvents } from './contracts/event-store.js'
export type { Leases } from './contracts/leases.js'
export type { LogFields, Logger } from './contracts/logger.js'
export { anonymous, type Principal } from './contracts/principal.js'
export type { Rate, RateClaim, RateDecision, RateStore } from './contracts/rate-store.js'
export type { Sealer } from './contracts/sealer.js'
export type { Service, ServiceCall, ServicesSeen } from './contracts/service.js'
export type { Store } from './contracts/store.js'
export type { HealthCheck, Stores } from './contracts/stores.js'
export type { TaskRecord, TaskStatus, TaskStore } from './contracts/task-store.js'
export type { Call, CallKind, CallResult, Middleware } from './engine/call.js'
export type { Connectable, Connection, ConnectOptions } from './engine/connection.js'
export {
  assistant,
  audio,
  type BlockOptions,
  type ContentsInput,
  contents,
  embed,
  image,
  link,
  result,
  type ToolResultValue,
  text,
  user,
} from './engine/content.js'
export type { Context, FeatureContext } from './engine/context.js'
export type {
  Arguments,
  Completer,
  ErrorCatalogue,
  ErrorDefinition,
  FixedResourceOptions,
  HandlerContext,
  ListedResource,
  PromptHandler,
  PromptOptions,
  ResourceHandler,
  TaskOptions,
  TaskSupport,
  TemplateResourceOptions,
  ToolDefinition,
  ToolHandler,
  ToolOptions,
  WorkerToolOptions,
} from './engine/definitions.js'
export type { Duration } from './engine/duration.js'
export type { ClientState, Exchange, TransportName } from './engine/exchange.js'
export type {
  Fallbacks,
  FormAnswer,
  FormQuestion,
  SamplingQuestion,
  UrlAnswer,
  UrlQuestion,
} from './engine/interaction.js'
export { type Batch, type Loader, type LoaderOptions, loader } from './engine/loader.js'
export type { UserStage } from './engine/pipeline.js'
export type { ConcurrencyOptions, RateLimitOptions, RateOptions } from './engine/policies.js'
export type { DefinitionHandle } from './engine/registry.js'
export type { ResultLimit, ResultLimits } from './engine/result-limit.js'
export type { SpillOptions, SpillSource } from './engine/spilling.js'
export type { Counters, ServerStats } from './engine/stats.js'
export type { ToolResult } from './engine/tool-result.js'
export { DefinitionError } from './errors/definition-error.js'
export { ProtocolError } from './errors/protocol-error.js'
export { StartError } from './errors/start-error.js'
export { ToolError, type ToolErrorDetails } from './errors/tool-error.js'
export type { LogSeverity } from './protocol/log-level.js'
export type { ClientFeature } from './protocol/revisions/revision.js'
export type * from './protocol/types.js'
export type { InferInput, InferOutput, SchemaLike } from './schema/infer.js'
export { type JsonSchema, jsonSchema, type TypedJsonSchema } from './schema/json-schema.js'
export { createServer } from './server/create-server.js'
export type { Definer, GroupOptions } from './server/definer.js'
export type { TasksSettings } from './server/features.js'
export type { BlockingOptions, ServerOptions, ServicesOption } from './server/options.js'
export type { Servable, Server, ServerHealth } from './server/server.js'
export { type DefineTool, toolsFor } from './server/tools-for.js'
export type { WorkerLimits } from './server/workers.js'
export type { SpillSettings } from './spill/options.js'
export { createConsoleLogger } from './telemetry/console-logger.js'
export type { HttpOptions } from './transports/http/options.js'

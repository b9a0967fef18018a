export type { Answers, ServerRequest } from './answers.js'
export { type Cell, type CellsOptions, cells } from './cells.js'
export { type ConnectOptions, connect } from './connect.js'
export {
  type Exchanged,
  type Message,
  RequestError,
  type RequestOptions,
  type TestClient,
  type TestNotification,
  type ToolCallResult,
} from './test-client.js'
export {
  isStateless,
  type Listening,
  type Revision,
  revisions,
  type TestServer,
  type Transport,
  transports,
} from './wire.js'

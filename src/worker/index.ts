export {
  defineWorker,
  type WorkerContext,
  type WorkerExports,
  type WorkerFunction,
  type WorkerInput,
  type WorkerModule,
  type WorkerOutput,
} from '../concurrency/workers/define-worker.js'

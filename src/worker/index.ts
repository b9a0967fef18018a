export {
  defineWorker,
  type WorkerContext,
  type WorkerFunction,
  type WorkerModule,
} from '../concurrency/workers/define-worker.js'

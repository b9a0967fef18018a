/** Preloaded into a profiled server: starts and stops the sampling profiler when its parent says so over IPC. */
import { type Profiler, Session } from 'node:inspector'

const SAMPLE_MICROS = 200
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS })

process.on('message', (message) => {
  if (message === 'start') session.post('Profiler.start', () => process.send?.('started'))
  if (message === 'stop') {
    session.post('Profiler.stop', (error, answer?: Profiler.StopReturnType) => {
      process.send?.(error === null ? answer?.profile : { error: error.message })
    })
  }
})

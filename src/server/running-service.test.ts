import { expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import { servicePlan } from '../contracts/service.js'
import { defineService } from '../services/define-service.js'
import { RunningService } from './running-service.js'
import type { NamedPlan } from './service-order.js'

const needs = () => Promise.resolve({})
const silent = { debug() {}, info() {}, warn() {}, error() {} }

function serviceOf(plan: NamedPlan['plan']): RunningService {
  const stats = { add() {}, remove() {} }
  return new RunningService({ name: 'model', plan }, { clock: systemClock, logger: silent, stats })
}

it('a service that throws when it is asked how it does is shown as one that does badly', async () => {
  const plan = defineService({
    start: () => 'model',
    degraded() {
      throw new Error('no socket')
    },
  })[servicePlan]
  const service = serviceOf(plan as never)
  await service.start(needs)
  const message = 'The service "model" does badly: no socket.'
  expect(service.health()).toEqual({ name: 'model', status: 'degraded', message })
  await service.stop()
})

it('a service that is being stopped is not started again by who hears that its start was given up', async () => {
  let starts = 0
  let running = 0
  const plan = defineService({
    start(_needs, { signal }) {
      starts += 1
      if (starts === 1) {
        return new Promise<string>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      }
      running += 1
      return 'model'
    },
    stop() {
      running -= 1
    },
  })[servicePlan]
  const service = serviceOf(plan as never)
  const again = service.start(needs).catch(() => service.start(needs))
  await expect.poll(() => starts).toBe(1)
  await service.stop()
  await expect(again).rejects.toThrow('has been stopped')
  expect([starts, running]).toEqual([1, 0])
})

import { expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import { servicePlan } from '../contracts/service.js'
import { defineService } from '../services/define-service.js'
import { RunningService } from './running-service.js'

const silent = { debug() {}, info() {}, warn() {}, error() {} }

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
    stop: () => void (running -= 1),
  })[servicePlan]
  const stats = { add() {}, remove() {} }
  const service = new RunningService(
    { name: 'model', plan: plan as never },
    { clock: systemClock, logger: silent, stats },
  )
  const needs = () => Promise.resolve({})
  const again = service.start(needs).catch(() => service.start(needs))
  await expect.poll(() => starts).toBe(1)
  await service.stop()
  await expect(again).rejects.toThrow('has been stopped')
  expect([starts, running]).toEqual([1, 0])
})

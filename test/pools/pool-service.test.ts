import { pool } from 'holdfast/services'
import { expect, it } from 'vitest'
import { DefinitionError } from '../../src/errors/definition-error.js'
import { StartError } from '../../src/errors/start-error.js'
import { started, testCall } from './service-world.js'

it('a pool as a service lends to calls, shows itself, and ends everything when it stops', async () => {
  const open = new Set<object>()
  const desks = await started(
    pool({
      name: 'desks',
      max: 2,
      min: 1,
      create() {
        const desk = {}
        open.add(desk)
        return desk
      },
      destroy: (desk) => void open.delete(desk),
    }),
  )
  expect(open.size).toBe(1)
  const call = testCall()
  const sizes = await Promise.all([1, 2, 3].map(() => desks.as(call).use(() => open.size)))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(2)
  const borrowed = await desks.as(call).acquire()
  expect(desks.as(call).usage()).toMatchObject({ inUse: 1, max: 2 })
  expect(desks.stats().map(({ name }) => name)).toEqual(['resources (desks)', 'waiting callers (desks)'])
  borrowed.release()
  await desks.stop()
  expect(open.size).toBe(0)
})

it('does not start when it needs one and none can be made', async () => {
  const broken = pool({
    name: 'desks',
    min: 1,
    create: () => Promise.reject(new Error('no desk')),
    destroy: () => undefined,
  })
  const error = await started(broken).catch((thrown: unknown) => thrown)
  expect(StartError.is(error)).toBe(true)
  expect((error as Error).cause).toMatchObject({ message: 'no desk' })
})

it.each([
  [{ create: () => 'one' }, '"destroy" must be a function'],
  [{ create: () => 'one', destroy: () => undefined, max: 0 }, '"max" must be a whole number'],
  [{ create: () => 'one', destroy: () => undefined, idle: '0s' }, '"idle" must be a positive number'],
] as [object, string][])('pool() refuses %j', (options, sentence) => {
  expect(() => pool(options as never)).toThrow(sentence)
  expect(() => pool(options as never)).toThrow(DefinitionError)
})

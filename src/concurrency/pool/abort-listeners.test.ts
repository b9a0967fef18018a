import { expect, it } from 'vitest'
import { AbortListeners } from './abort-listeners.js'

it('many listeners of a signal are one to it, each is called once unless it was taken off, and nothing is kept', () => {
  const listeners = new AbortListeners()
  const ends = new AbortController()
  let added = 0
  let removed = 0
  const { signal } = ends
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    added += 1
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    removed += 1
    remove(...args)
  }
  const heard: number[] = []
  const offs = Array.from({ length: 100 }, (_, at) => listeners.add(signal, () => heard.push(at)))
  expect([added, listeners.size]).toEqual([1, 1])
  for (const off of offs) {
    off()
    off()
  }
  expect([removed, listeners.size]).toEqual([1, 0])
  const first = listeners.add(signal, () => heard.push(1))
  listeners.add(signal, () => {
    heard.push(2)
    third()
  })
  const third = listeners.add(signal, () => heard.push(3))
  first()
  ends.abort()
  third()
  expect(heard).toEqual([2])
  expect(listeners.size).toBe(0)
})

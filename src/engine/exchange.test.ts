import { describe, expect, it } from 'vitest'
import { systemClock } from '../contracts/clock.js'
import { anonymous } from '../contracts/principal.js'
import type { Dialect } from './dialect.js'
import { type EndReason, Exchange, unknownClient } from './exchange.js'

function made(): Exchange {
  return new Exchange({
    ...{ id: 1, method: 'tools/call', params: {}, client: unknownClient, principal: anonymous },
    ...{ dialect: {} as Dialect, transport: 'memory', clock: systemClock },
  })
}

describe('whenEnded', () => {
  it('tells all listeners, each once, in the order in which they came', () => {
    const exchange = made()
    const heard: (readonly [number, EndReason])[] = []
    for (const n of [1, 2, 3]) exchange.whenEnded((reason) => heard.push([n, reason]))
    exchange.end('cancelled')
    exchange.end('timed out')
    expect(heard).toEqual([1, 2, 3].map((n) => [n, 'cancelled']))
  })

  it('tells whoever comes late at once', () => {
    const exchange = made()
    exchange.end('closing')
    const heard: EndReason[] = []
    exchange.whenEnded((reason) => heard.push(reason))()
    expect(heard).toEqual(['closing'])
  })

  it.each([0, 1, 2])('does not tell who was taken away: %i of three', (gone) => {
    const exchange = made()
    const heard: number[] = []
    const stops = [0, 1, 2].map((n) => exchange.whenEnded(() => heard.push(n)))
    stops[gone]?.()
    stops[gone]?.()
    exchange.end('disconnected')
    expect(heard).toEqual([0, 1, 2].filter((n) => n !== gone))
  })

  it('does not tell the only one when it was taken away, and tells one that came after', () => {
    const exchange = made()
    const heard: string[] = []
    exchange.whenEnded(() => heard.push('first'))()
    exchange.whenEnded(() => heard.push('second'))
    exchange.end('cancelled')
    expect(heard).toEqual(['second'])
  })

  it('tells all also when one takes itself or another away meanwhile', () => {
    const exchange = made()
    const heard: string[] = []
    const stop = exchange.whenEnded(() => {
      heard.push('first')
      stop()
    })
    exchange.whenEnded(() => heard.push('second'))
    exchange.end('cancelled')
    expect(heard).toEqual(['first', 'second'])
  })
})

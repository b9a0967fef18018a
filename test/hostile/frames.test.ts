import { describe, expect, it } from 'vitest'
import { runHttp } from './http-run.js'
import { runStdio } from './stdio-run.js'
import { createTarget } from './target-server.js'
import { growth, watchProcess } from './watch.js'

/** `npm run hostile` runs the whole; `npm test` a part that ends within seconds. HOSTILE_SEED repeats a run. */
const whole = process.env['MODE'] === 'hostile'
const total = Number(process.env['HOSTILE_FRAMES'] ?? (whole ? 100_000 : 20_000))
// A frame over HTTP takes several times as long, so the short run has fewer of them.
const overHttp = whole ? total / 2 : total / 4
const seed = Number(process.env['HOSTILE_SEED'] ?? (whole ? Date.now() % 1_000_000_000 : 20_260_728))
const timeout = whole ? 900_000 : 120_000

/** What caches that are bounded, and compiled code, may add after the first third of a run. */
const heapAllowance = 4 * 1024 * 1024

describe(`hostile frames, HOSTILE_SEED=${seed}`, () => {
  it.each([
    ['stdio', total - overHttp, runStdio],
    ['HTTP', overHttp, runHttp],
  ] as const)('over %s: %i', { timeout }, async (transport, count, run) => {
    const watch = watchProcess()
    const started = performance.now()
    const { heap, faults, ...counts } = await run(createTarget(), { seed, count })
    watch.end()
    const seconds = Math.round((performance.now() - started) / 1000)
    const heapMiB = heap.map((bytes) => Math.round(bytes / 104_857.6) / 10)
    console.info(JSON.stringify({ transport, seed, seconds, ...counts, heapMiB }))
    expect(faults).toEqual([])
    expect(watch.escaped).toEqual([])
    expect(counts.frames).toBe(count)
    expect(counts.answered + counts.refused + counts.cancelled).toBe(counts.requests)
    expect(counts.health).toBeGreaterThan(count / 150)
    expect(growth(heap)).toBeLessThan(heapAllowance)
  })
})

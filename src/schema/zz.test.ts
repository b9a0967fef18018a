import { it } from 'vitest'
import { z } from 'zod'
import { compileSchema, warmUp } from './compile.js'
it('x', async () => {
  await warmUp()
  const branch = (n: number): any => n === 0 ? z.string().min(2) : z.union([z.object({ a: branch(n-1), k: z.number() }), z.object({ a: branch(n-1), b: z.string() }), z.array(branch(n-1))])
  const s = z.strictObject({ p: z.array(branch(3)), s: z.string().optional() })
  const c = compileSchema(s, { role: 'input', owner: 't' })
  const vals = { wide: { p: new Array(1900).fill('x') }, obj: { p: new Array(400).fill({ a: { a: { a: 1 }, k: 'q' }, k: 1 }) }, tok: { p: [], ...Object.fromEntries(Array.from({length: 1500}, (_, i) => ['k' + i, 'v'])) } }
  c.check(vals.obj)
  for (const [k, v] of Object.entries(vals)) { const t = performance.now(); const r = c.check(v) as any; console.log(k, r.ok, r.problems?.length, (performance.now() - t).toFixed(1), 'ms', r.problems?.[0].message) }
  const j = compileSchema({ type: 'object', properties: { id: { type: 'string' }, limit: { type: 'integer', minimum: 1, maximum: 100 }, tags: { type: 'array', items: { type: 'string' } } }, required: ['id'] }, { role: 'input', owner: 't' })
  const ok = { id: 'a', limit: 3, tags: ['x'] }, bad = { limit: 'ten' }
  for (const v of [ok, bad]) { for (let i = 0; i < 2e4; i++) j.check(v); const t = performance.now(); for (let i = 0; i < 1e5; i++) j.check(v); console.log((performance.now() - t) / 1e5 * 1e3, 'us') }
})

import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkPromises, programOf } from './check-floating-promises.mjs'
import { tree } from './temp-tree.mjs'

const DECLARED = `
export declare function go(): Promise<number>
export declare function maybe(): Promise<void> | undefined
export declare function thenable(): { then(done: (value: number) => void): void }
export declare function on(listener: () => void): void
export declare function awaits(listener: () => void | Promise<void>): void
`
const FLOATING = [
  'go()',
  'maybe()',
  'thenable()',
  'flag && go()',
  'flag ? go() : go()',
  '(go(), 1)',
  '[1].map(() => go())',
  'go().then(() => 1)',
  'go().finally(() => 1)',
  'on(async () => {})',
]
const SETTLED = [
  'await go()',
  'void go()',
  'kept = go()',
  'go().catch(() => 1)',
  'go().then(() => 1, () => 2)',
  'go().catch(() => 1).finally(() => 1)',
  'on(() => { void go() })',
  'awaits(async () => {})',
  'await Promise.all([1].map(() => go()))',
]

it('finds every floating promise and no other', () => {
  const root = tree({
    'tsconfig.json': JSON.stringify({
      compilerOptions: { target: 'ES2023', module: 'NodeNext', strict: true, types: [], noEmit: true },
      include: ['*.ts'],
    }),
    'package.json': '{ "type": "module" }',
    'declared.ts': DECLARED,
    'use.ts': [
      "import { awaits, go, maybe, on, thenable } from './declared.js'",
      'declare const flag: boolean',
      'export let kept: Promise<number>',
      ...FLOATING,
      ...SETTLED,
    ].join(';\n'),
  })
  const program = programOf(join(root, 'tsconfig.json'))
  const lines = checkPromises(program, root).map((problem) => Number(problem.split(':')[1]))
  expect(lines).toEqual(FLOATING.map((_statement, index) => index + 4))
})

import { expect, it } from 'vitest'
import { checkLock } from './check-lock.mjs'

const entry = (more = {}) => ({ version: '1.0.0', integrity: 'sha512-x', ...more })

it('finds hosts, missing hashes and missing platform packages', () => {
  const packages = {
    '': { name: 'x' },
    'examples/a': { name: 'a' },
    'node_modules/a': { resolved: 'examples/a', link: true },
    'node_modules/b': entry({ resolved: 'https://registry.example/b.tgz' }),
    'node_modules/c': { version: '1.0.0' },
    'node_modules/d': entry({ optionalDependencies: { 'd-linux': '1.0.0', 'd-darwin': '1.0.0' } }),
    'node_modules/d-linux': entry(),
  }
  expect(checkLock({ packages })).toEqual([
    'node_modules/b: resolved names a host',
    'node_modules/c: no integrity',
    'node_modules/d: optional d-darwin is not locked; pick a version that every platform has',
  ])
})

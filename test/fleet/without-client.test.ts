import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { run } from '../clients/running-program.js'
import { build } from './fleet-node.js'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

it('where ioredis is not installed, redis() says what to install, and does not end the process', async () => {
  build()
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bare-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const part of ['stores', 'chunks']) {
    cpSync(join(dist, part), join(folder, 'dist', part), { recursive: true })
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  writeFileSync(
    join(folder, 'main.js'),
    `import { redis } from './dist/stores/redis/index.js'
    const logger = { debug() {}, info() {}, warn() {}, error() {} }
    const stores = redis({ logger })
    for (let n = 0; n < 2; n += 1) {
      await stores.cache.get('a').catch(({ name, message }) => console.error(name + ': ' + message))
    }
    console.error(stores.health()[0].status)
    await stores.close()`,
  )
  const { code, stderr } = await run([join(folder, 'main.js')]).ended
  const sentence =
    'StartError: redis() of holdfast/stores/redis needs the package ioredis; run `npm install ioredis`.'
  expect(stderr.trim().split('\n')).toEqual([sentence, sentence, 'degraded'])
  expect(code).toBe(0)
})

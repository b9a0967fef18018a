import { once } from 'node:events'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { start, stopPrograms } from './program.js'
import { build } from './support.js'

beforeAll(build, 180_000)
afterEach(stopPrograms)

it('what a worker prints goes to stderr, whichever way it prints', async () => {
  const server = start()
  expect((await server.call('prints')).result).toMatchObject({ content: [{ text: 'printed' }] })
  await expect
    .poll(server.stderr)
    .toMatch(/from writeSync[\s\S]*from writeFileSync[\s\S]*from appendFileSync/)
  await expect.poll(server.stderr).toMatch(/from console.log[\s\S]*from process.stdout/)
  expect(server.strays).toEqual([])
})

it('a process ends with its client, also while a worker loops', async () => {
  const server = start()
  void server.call('spins', { ms: 3_600_000 })
  await expect.poll(server.stderr).toMatch(/It spins/)
  const exited = once(server.child, 'exit')
  server.child.stdin.end()
  expect(await exited).toEqual([0, null])
})

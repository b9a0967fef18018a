import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { signToken } from 'holdfast/auth'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll, type RunningProgram, run } from '../clients/running-program.js'
import { envelopeOf } from '../protocol/support.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const fixture = 'test/fixtures/stdio/identified-server.mjs'
const secret = randomBytes(48).toString('base64url')
const audience = 'holdfast-development'

beforeAll(() => {
  execFileSync(process.execPath, ['scripts/build.mjs', '--library'], { cwd: root, stdio: ['ignore', 2, 2] })
}, 180_000)

afterEach(endAll)

let id = 0
async function call(program: RunningProgram, name: string): Promise<string> {
  id += 1
  program.send({ id, method: 'tools/call', params: { name, arguments: {}, ...envelopeOf('2026-07-28') } })
  const answer = (await program.answer(id)) as {
    result?: { content: readonly { text: string }[] }
    error?: { message: string }
  }
  return answer.result?.content[0]?.text ?? `refused: ${answer.error?.message}`
}

const hidden =
  '2 tools and 1 resource need permissions and are hidden; set HOLDFAST_TOKEN or serve(server, { principal }).\n'

describe('a caller over stdio', () => {
  it.each([[], ['--isolate-stdout']])(
    'is whom the token in the environment stands for, and no child process inherits it %s',
    async (...more) => {
      const token = await signToken({ secret, audience, subject: 'alice', permissions: ['orders:read'] })
      const program = run([fixture, ...more], { SECRET: secret, HOLDFAST_TOKEN: token })
      expect(await call(program, 'who')).toBe('alice')
      expect(await call(program, 'orders')).toBe('orders')
      expect(await call(program, 'inherited')).toBe('nothing, nothing')
      program.child.stdin.end()
      expect(await program.ended).toMatchObject({ code: 0, stderr: '' })
    },
  )

  it('is nobody without a token, and one line says what that hides', async () => {
    const program = run([fixture], { SECRET: secret })
    expect(await call(program, 'who')).toBe('')
    expect(await call(program, 'orders')).toBe(
      'The tool "orders" needs the permission orders:read, and the caller is not known.',
    )
    program.child.stdin.end()
    expect((await program.ended).stderr).toBe(hidden)
  })

  it('is whom serve was given', async () => {
    const program = run([fixture, '--principal'], { SECRET: secret })
    expect(await call(program, 'who')).toBe('operator')
    expect(await call(program, 'orders')).toBe('orders')
    program.child.stdin.end()
    expect((await program.ended).stderr).toBe('')
  })

  it('stops the start when the token is refused: with the reason, and never the token', async () => {
    const expired = await signToken({
      secret,
      audience,
      subject: 'alice',
      expiresIn: '1s',
      clock: { now: () => 0, monotonic: () => 0, after: () => () => undefined },
    })
    for (const [token, why] of [
      [expired, 'The token has expired.'],
      ['garbage', 'The token is no JSON Web Token.'],
      ['gar bage\n', 'The Authorization header must be'],
    ] as const) {
      const { code, stderr, stdout } = await run([fixture], { SECRET: secret, HOLDFAST_TOKEN: token }).ended
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain(`StartError: HOLDFAST_TOKEN was refused: ${why}`)
      expect(stderr).not.toContain(token.trim())
    }
  })

  it('is told when nothing can read the token', async () => {
    const program = run([fixture], { HOLDFAST_TOKEN: 'x' })
    program.child.stdin.end()
    expect((await program.ended).stderr).toBe(
      `HOLDFAST_TOKEN is set, but this server has no "auth" that could read it.\n${hidden}`,
    )
  })
})

describe('without the package jose', () => {
  it('a server does not start over HTTP, and says what to install', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-no-jose-'))
    try {
      cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
      writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
      const file = join(folder, 'server.js')
      writeFileSync(
        file,
        `import { jwt } from './dist/auth/index.js'
         import { createServer } from './dist/index.js'
         import { serve } from './dist/node/index.js'
         const auth = jwt({ secret: process.env.SECRET, audience: 'x' })
         try { await serve(createServer({ name: 'x', version: '1', auth }), { port: 0 }) }
         catch (error) { process.stderr.write(error.name + ': ' + error.message) }`,
      )
      const { stderr } = await run([file], { SECRET: secret }).ended
      expect(stderr).toBe(
        'StartError: Checking tokens needs the package jose: install it with `npm install jose`.',
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe('holdfast token', () => {
  const command = (args: readonly string[], env: Readonly<Record<string, string>>) =>
    run(['dist/cli/holdfast.js', ...args], env).ended

  it('makes a token that the server takes', async () => {
    const made = await command(
      ['token', '--sub', 'alice', '--permission', 'orders:read', '--expires', '1h'],
      { HOLDFAST_SECRET: secret },
    )
    expect(made).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/) as string,
    })
    const program = run([fixture], { SECRET: secret, HOLDFAST_TOKEN: made.stdout.trim() })
    expect(await call(program, 'who')).toBe('alice')
    expect(await call(program, 'orders')).toBe('orders')
  })

  it.each<[string, readonly string[], Record<string, string>, RegExp]>([
    ['no secret', ['token', '--sub', 'a'], { HOLDFAST_SECRET: '' }, /set HOLDFAST_SECRET/],
    [
      'a short secret',
      ['token', '--sub', 'a'],
      { HOLDFAST_SECRET: 'tr0ub4dor' },
      /has 9 characters, and needs at least 32/,
    ],
    [
      'the secret of an example',
      ['token', '--sub', 'a'],
      { HOLDFAST_SECRET: 'changeme-changeme-changeme-changeme' },
      /repeats a short piece|looks like the default/,
    ],
    ['no subject', ['token'], { HOLDFAST_SECRET: secret }, /needs --sub/],
    ['a secret among the arguments', ['token', '--sub', 'a', '--secret', 'tr0ub4dor'], {}, /--secret/],
    [
      'no duration',
      ['token', '--sub', 'a', '--expires', 'soon'],
      { HOLDFAST_SECRET: secret },
      /"expiresIn" must be/,
    ],
    [
      'two permissions in one',
      ['token', '--sub', 'a', '--permission', 'a b'],
      { HOLDFAST_SECRET: secret },
      /no spaces/,
    ],
    ['no such file', ['token', '--sub', 'a', '--secret-file', '/no/such'], {}, /\(ENOENT\)/],
    ['another command', ['tokens'], {}, /holdfast has no command "tokens"; it has/],
  ])('refuses %s, and shows no secret', async (_what, args, env, why) => {
    const { code, stdout, stderr } = await command(args, env)
    expect([code === 0, stdout]).toEqual([false, ''])
    expect(stderr).toMatch(why)
    expect(stderr).not.toContain(secret)
    expect(stderr).not.toMatch(/tr0ub4dor|changeme/)
  })
})

// npm run check:package: looks at the package as a user gets it. Packs it, lets publint and attw judge the tarball,
// installs it in an empty folder, compiles against its types and runs a 20-line server through it.
import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { overHttp, overStdio } from './smoke-clients.mjs'
import { report } from './source-tree.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
const node = (file, args, options) => run(process.execPath, [file, ...args], options)
const CALL = { name: 'add', arguments: { a: 2, b: 3 } }

function binOf(name, bin = name) {
  const manifest = createRequire(import.meta.url).resolve(`${root}node_modules/${name}/package.json`)
  const { bin: bins } = JSON.parse(readFileSync(manifest, 'utf8'))
  return join(root, 'node_modules', name, typeof bins === 'string' ? bins : bins[bin])
}

async function pack(folder) {
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root })
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return join(folder, `${name}-${version}.tgz`)
}

/** Nothing but the build, the manifest and three documents may reach a user. */
async function contents(tarball) {
  const { stdout } = await run('tar', ['-tzf', tarball])
  const allowed = /^package\/(dist\/[^.].*\.(js|d\.ts)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/
  const strange = stdout.split('\n').filter((path) => path !== '' && !allowed.test(path))
  if (strange.length > 0) throw new Error(`should not be packed: ${strange.join(', ')}`)
}

async function install(folder, tarball) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  // zod is what the README's server describes its input with.
  const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--silent', tarball, 'zod@4']
  await run('npm', args, { cwd: folder })
}

async function types(folder) {
  copyFileSync(join(root, 'scripts/smoke/consumer.ts'), join(folder, 'consumer.ts'))
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(root, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  const settings = ['--strict', '--noEmit', '--target', 'ES2023', '--module', 'NodeNext', '--types', 'node']
  await node(binOf('typescript', 'tsc'), [...settings, 'consumer.ts'], { cwd: folder })
}

async function smoke(folder) {
  const file = join(folder, 'server.mjs')
  copyFileSync(join(root, 'scripts/smoke/server.mjs'), file)
  for (const [transport, drive] of Object.entries({ stdio: overStdio, http: overHttp })) {
    const { tools, results } = await drive(file, folder, [CALL])
    const sum = results[0]?.structuredContent?.sum
    if (tools.join() !== 'add' || sum !== 5) {
      throw new Error(`${transport}: tools ${tools.join()}, 2 + 3 gave ${JSON.stringify(results[0])}`)
    }
  }
}

/** The README's first server must work when it is pasted. */
async function readme(folder) {
  const text = readFileSync(join(root, 'README.md'), 'utf8')
  const fences = [...text.matchAll(/^```(?:ts|js|typescript|javascript)\n([\s\S]*?)^```/gm)].map(
    (match) => match[1],
  )
  const server = fences.find((code) => /from 'holdfast\/node'/.test(code))
  if (server === undefined) throw new Error('README.md shows no server that imports holdfast/node')
  const file = join(folder, 'readme.mjs')
  writeFileSync(file, server)
  const { tools } = await overStdio(file, folder, [])
  if (tools.length === 0) throw new Error('the README server lists no tool')
}

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-package-'))
const problems = []
const attempt = async (name, work) => {
  try {
    await work()
    process.stderr.write(`  ok ${name}\n`)
    return true
  } catch (error) {
    const said = [error.stdout, error.stderr].filter((text) => text).join('\n')
    problems.push(`${name}: ${said || error.message}`)
    return false
  }
}
try {
  let tarball
  const packed = await attempt('npm pack', async () => {
    tarball = await pack(scratch)
  })
  if (packed) {
    const home = join(scratch, 'home')
    await attempt('contents', () => contents(tarball))
    await attempt('publint', () => node(binOf('publint'), ['--strict', tarball]))
    await attempt('attw', () =>
      node(binOf('@arethetypeswrong/cli', 'attw'), ['--profile', 'esm-only', tarball]),
    )
    if (await attempt('install', () => install(home, tarball))) {
      await attempt('types', () => types(home))
      await attempt('server', () => smoke(home))
      await attempt('README server', () => readme(home))
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
report('package', problems, 'the packed tarball')

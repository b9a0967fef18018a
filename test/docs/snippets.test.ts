import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Server } from 'holdfast'
import { connect } from 'holdfast/testing'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fence, pages, readFences, root } from './fences.js'

const fences = readFences()
/** What is JavaScript uses a framework, and is run instead, in mounts.test.ts. */
const typed = fences.filter(({ language }) => language === 'ts')

function virtualName(index: number): string {
  return join(root, `test/docs/snippet-${index}.ts`)
}

/** One program over all blocks, with the settings of the sources; the blocks exist in memory only. */
function problemsOf(blocks: readonly Fence[]): readonly string[] {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.json'),
    // A block shows one thing, so what it makes may stay unused.
    { noUnusedLocals: false, noUnusedParameters: false },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  )
  if (config === undefined) throw new Error('tsconfig.json cannot be read')
  const host = ts.createCompilerHost(config.options)
  const virtual = new Map(
    blocks.map((fence, index) => [
      virtualName(index),
      { fence, text: `${fence.prelude}${fence.code}\nexport {}\n` },
    ]),
  )
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => virtual.has(path) || fileExists.call(host, path)
  host.readFile = (path) => virtual.get(path)?.text ?? readFile.call(host, path)
  host.getSourceFile = (path, options, ...more) => {
    const text = virtual.get(path)?.text
    return text === undefined
      ? getSourceFile.call(host, path, options, ...more)
      : ts.createSourceFile(path, text, options)
  }
  const program = ts.createProgram([...virtual.keys()], config.options, host)
  return [...virtual].flatMap(([path, { fence }]) => {
    const source = program.getSourceFile(path)
    if (source === undefined) return [`${fence.name}: was not read`]
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      (diagnostic) => {
        const at = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line
        const line = fence.line + at - fence.prelude.split('\n').length + 1
        return `${fence.page}:${line}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n')}`
      },
    )
  })
}

describe('the code in the documentation', () => {
  it('is on every page', () => {
    expect(new Set(fences.map((fence) => fence.page))).toEqual(new Set(pages))
    expect(pages.length).toBeGreaterThan(4)
  })

  it('compiles, and the check sees what does not', () => {
    const wrong: Fence = {
      ...{ name: 'made:10', page: 'made', line: 10, language: 'ts' },
      prelude: "import { createServer } from 'holdfast'\n",
      code: "const name = 'a'\ncreateServer({ name })\n",
    }
    // In one program, because reading the types of every library takes seconds.
    expect(problemsOf([...typed, wrong])).toEqual([expect.stringMatching(/^made:11: .*version/s)])
  }, 60_000)
})

/** Blocks that define something on a server of their own, which is then asked for it. */
const programs = typed.filter(
  ({ code }) => /^const server = createServer/m.test(code) && !/\.listen\(/.test(code),
)

const listings = [
  { made: /^server\.(tool|add)\(/m, method: 'tools/list', member: 'tools' },
  { made: /^server\.resource\(/m, method: 'resources/list', member: 'resources' },
  { made: /^server\.prompt\(/m, method: 'prompts/list', member: 'prompts' },
] as const

describe('the programs in the documentation', () => {
  let folder: string
  beforeAll(() => {
    mkdirSync(join(root, '.tmp'), { recursive: true })
    folder = mkdtempSync(join(root, '.tmp/snippets-'))
    // A block that begins with the name of a file is that file, for the programs that lead to it.
    for (const { code } of typed) {
      const name = /^\/\/ ([\w-]+)\.ts$/m.exec(code.split('\n')[0] ?? '')?.[1]
      if (name === undefined) continue
      const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 }
      writeFileSync(join(folder, `${name}.js`), ts.transpileModule(code, { compilerOptions }).outputText)
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('are most of them', () => expect(programs.length).toBeGreaterThan(8))

  it.each(programs)('run: $name', async ({ code, line, page }) => {
    // Serving would take this process's stdin, or a port that somebody else may have.
    const served = /await serve\(server.*\)/
    const text = `${code.replace(served, 'await Promise.resolve({ url: "" })')}\nexport { server as madeServer }\n`
    const file = join(folder, `${page.replace(/\W/g, '-')}-${line}.ts`)
    writeFileSync(file, text)
    const { madeServer } = (await import(/* @vite-ignore */ file)) as { madeServer: Server }
    const client = await connect(madeServer)
    await client.request('server/discover')
    for (const { made: definition, method, member } of listings) {
      if (!definition.test(code)) continue
      const answer = await client.request<Record<string, readonly unknown[]>>(method)
      expect(answer[member]?.length).toBeGreaterThan(0)
    }
    await client.close()
    await madeServer.close()
  })
})

import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

/**
 * What a tool may cost the compiler, in type instantiations. Measured with TypeScript 6.0: zod 981, of which zod's
 * own schema calls are the most; plain JSON Schema 620. An editor checks a file on every key press, so a change
 * that makes definitions several times dearer is felt before anyone looks for it.
 */
const ceilings = { zod: 1100, json: 700 }
const tools = 50

const root = fileURLToPath(new URL('../../', import.meta.url))

const zodTool = (n: number): string => `
server.tool('tool-${n}', {
  description: 'Tool ${n}.',
  annotations: { readOnlyHint: true },
  input: z.object({
    id${n}: z.string().describe('Number.'),
    limit: z.number().int().min(1).default(10).describe('At most.'),
    sort: z.enum(['asc', 'desc']).optional().describe('Order.'),
    tags: z.array(z.string()).describe('Any.'),
  }),
  output: z.object({ total${n}: z.number(), rows: z.array(z.object({ id: z.string() })) }),
  errors: { not_found_${n}: { message: 'There is none.' } },
}, async (args, ctx) => {
  if (args.limit > ctx.services.max) throw ctx.error('not_found_${n}', { value: args.id${n} })
  return { total${n}: args.limit, rows: args.tags.map((id) => ({ id })) }
})`

const jsonTool = (n: number): string => `
server.tool('tool-${n}', {
  description: 'Tool ${n}.',
  input: {
    type: 'object',
    properties: {
      id${n}: { type: 'string', description: 'Number.' },
      limit: { type: 'integer', minimum: 1, description: 'At most.' },
      sort: { enum: ['asc', 'desc'], description: 'Order.' },
      tags: { type: 'array', items: { type: 'string' }, description: 'Any.' },
    },
    required: ['id${n}', 'limit', 'tags'],
  },
  output: { type: 'object', properties: { total${n}: { type: 'number' } }, required: ['total${n}'] },
  errors: { not_found_${n}: { message: 'There is none.' } },
}, async (args, ctx) => {
  if (args.limit > ctx.services.max) throw ctx.error('not_found_${n}', { value: args.id${n} })
  return { total${n}: args.limit + args.tags.length }
})`

function file(tool: (n: number) => string, first: number, count: number): string {
  return `import { createServer } from 'holdfast'
import { z } from 'zod'
z.string()
export const server = createServer({ name: 'many', version: '1.0.0', services: { max: 100 } })
${Array.from({ length: count }, (_, index) => tool(first + index)).join('\n')}`
}

/** Files that exist only for the compiler, beside this one, so that imports resolve as in a test. */
const files = new Map(
  Object.entries({
    // What only the first tool pays, loading our types and the library's, is paid here.
    'first.ts': file(zodTool, 1000, 1) + jsonTool(2000),
    'zod.ts': file(zodTool, 0, tools),
    'json.ts': file(jsonTool, 0, tools),
  }).map(([name, text]) => [`${root}test/types/generated/${name}`, text]),
)

function createProgram(): ts.Program {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile)
  expect(config.error).toBeUndefined()
  const { options } = ts.parseJsonConfigFileContent(
    { ...config.config, include: [], files: [] },
    ts.sys,
    root,
  )
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path) ?? readFile(path)
  host.getSourceFile = (path, language, ...rest) => {
    const text = files.get(path)
    return text === undefined
      ? getSourceFile(path, language, ...rest)
      : ts.createSourceFile(path, text, language, true)
  }
  return ts.createProgram([...files.keys()], options, host)
}

describe('the cost of a definition', () => {
  it(`stays below the ceiling for ${tools} tools in one file`, { timeout: 60_000 }, () => {
    const program = createProgram()
    const count = (): number =>
      Number(Reflect.apply(Reflect.get(program, 'getInstantiationCount'), program, []))
    const cost = (name: string): number => {
      const source = program.getSourceFile(`${root}test/types/generated/${name}`)
      const before = count()
      expect(source && program.getSemanticDiagnostics(source).map((found) => found.messageText)).toEqual([])
      return count() - before
    }
    const first = cost('first.ts')
    const perTool = { zod: cost('zod.ts') / tools, json: cost('json.ts') / tools }
    // Zero would mean that nothing was measured.
    expect(first).toBeGreaterThan(1000)
    expect(perTool.json).toBeGreaterThan(10)
    expect(perTool.json).toBeLessThan(ceilings.json)
    expect(perTool.zod).toBeLessThan(ceilings.zod)
  })
})

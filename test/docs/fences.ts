import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = fileURLToPath(new URL('../../', import.meta.url))

/** One code block of the documentation. */
export interface Fence {
  /** `docs/serving.md:12`, the line its code begins on. */
  readonly name: string
  readonly page: string
  /** Counted from 1. */
  readonly line: number
  readonly language: 'ts' | 'js'
  readonly code: string
  /** The block it goes on from; blocks with imports stand for themselves. */
  readonly prelude: string
}

/** The pages that users read, as paths from the root. */
export const pages: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

/** Every `ts` and `js` block of README.md and docs/*.md. */
export function readFences(): readonly Fence[] {
  return pages.flatMap(fencesOf)
}

function fencesOf(page: string): Fence[] {
  const text = readFileSync(join(root, page), 'utf8')
  let prelude = ''
  return [...text.matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm)].map((match) => {
    const code = match[2] ?? ''
    const line = text.slice(0, match.index).split('\n').length + 1
    const whole = /^import /m.test(code)
    if (whole) prelude = code
    const language = match[1] === 'js' ? 'js' : 'ts'
    return { name: `${page}:${line}`, page, line, language, code, prelude: whole ? '' : prelude }
  })
}

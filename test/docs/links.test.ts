import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pages, root } from './fences.js'

/** How GitHub names a heading: lower case, dashes for spaces, other signs dropped. */
function anchorsOf(path: string): ReadonlySet<string> {
  const text = readFileSync(join(root, path), 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
}

describe.each([...pages, 'ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (page) => {
  it('links to headings that are there', () => {
    const text = readFileSync(join(root, page), 'utf8')
    const broken = [...text.matchAll(/\]\(([^)#\s:]*)#([^)]+)\)/g)].filter(([, file = '', anchor = '']) => {
      const target = file === '' ? page : join(dirname(page), file)
      return !existsSync(join(root, target)) || !anchorsOf(target).has(anchor)
    })
    expect(broken.map((match) => match[0])).toEqual([])
  })
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { escapeHtml } from './escape-html.js'
import { sanitizeHtml } from './sanitize-html.js'

it.each([
  ['', ''],
  ['plain, äöü 漢字 😀', 'plain, äöü 漢字 😀'],
  ['<script>alert("1")</script>', '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;'],
  [`" onclick='x' \`y\``, '&quot; onclick=&#39;x&#39; &#96;y&#96;'],
  ['&lt; &amp;', '&amp;lt; &amp;amp;'],
])('escapes %j', (text, html) => {
  expect(escapeHtml(text)).toBe(html)
})

it('is read back by a parser as the very text', async () => {
  const printable = fc.string({ unit: fc.constantFrom(...'<>&"\'`/=; ax1lt#', 'amp;', 'é', '漢', '\n') })
  await fc.assert(
    fc.asyncProperty(printable, async (text) => {
      const html = escapeHtml(text)
      expect(html).not.toMatch(/[<>"'`]/)
      const shown = (await sanitizeHtml(html)).replace(/&(lt|gt|amp);/g, (_entity, name: string) =>
        name === 'lt' ? '<' : name === 'gt' ? '>' : '&',
      )
      expect(shown).toBe(text)
    }),
    { numRuns: fuzzRuns(500) },
  )
})

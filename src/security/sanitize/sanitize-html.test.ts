import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { sanitizeHtml } from './sanitize-html.js'

const REL = 'rel="noopener noreferrer nofollow"'

describe('legitimate HTML', () => {
  it.each([
    ['nothing', ''],
    ['plain text', 'Just text, 5 &lt; 6 &amp; 7 &gt; 2.'],
    ['paragraphs', '<p>One</p>\n<p>Two</p>'],
    ['headings', '<h1>A</h1><h2>B</h2><h3>C</h3><h4>D</h4><h5>E</h5><h6>F</h6>'],
    [
      'formatting',
      '<b>b</b><strong>s</strong><i>i</i><em>e</em><u>u</u><s>s</s><mark>m</mark><small>s</small>',
    ],
    ['insertions and deletions', '<ins>new</ins> <del>old</del>'],
    ['sub- and superscript', 'H<sub>2</sub>O, E = mc<sup>2</sup>'],
    ['code', '<pre><code>if (a &lt; b &amp;&amp; c) {\n\treturn "x"\n}</code></pre>'],
    ['keyboard, sample, variable', '<kbd>Ctrl</kbd> <samp>ok</samp> <var>x</var>'],
    ['quotations', '<blockquote><p>So <q>he</q> said, <cite>Book</cite></p></blockquote>'],
    [
      'abbreviation',
      '<abbr title="HyperText &quot;Markup&quot; &amp; more">HTML</abbr> <dfn title="t">d</dfn>',
    ],
    ['unordered list', '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>'],
    ['ordered list', '<ol start="5" type="a"><li>a</li></ol>'],
    ['negative start', '<ol start="-3"><li>a</li></ol>'],
    ['definitions', '<dl><dt>a</dt><dd>b</dd></dl>'],
    [
      'table',
      '<table><caption>T</caption><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>',
    ],
    ['table with spans', '<table><tr><td colspan="2" rowspan="3">a</td></tr></table>'],
    ['columns', '<table><colgroup span="2"></colgroup><tfoot><tr><td>x</td></tr></tfoot></table>'],
    ['link', `<a href="https://a.example/b?c=d&amp;e=f#g" ${REL}>x</a>`],
    ['link with title', `<a href="http://a.example" title="A" ${REL}>x</a>`],
    ['link with port and brackets', `<a href="https://[2001:db8::1]:8443/a(b)" ${REL}>x</a>`],
    ['link with other letters', `<a href="https://müller.example/straße/北京" ${REL}>x</a>`],
    ['mail', `<a href="mailto:a@b.example?subject=Hi%20there" ${REL}>x</a>`],
    ['figure', '<figure><p>x</p><figcaption>y</figcaption></figure>'],
    ['sections', '<article><section><div><span>x</span></div></section></article>'],
    ['line breaks', 'a<br />b<hr />c'],
    ['ruby', '<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>'],
    ['languages', '<p lang="de-DE">Straße</p><p lang="ar" dir="rtl">سلام</p><bdi>שלום</bdi>'],
    ['Persian', '<p dir="rtl">می\u200cخواهم</p>'],
    ['Hindi', '<b>क्\u200dष</b>'],
    ['emoji', '<p>👩🏽\u200d💻 ❤\ufe0f 🇩🇪</p>'],
    ['talk about scripts', '<p>Never write &lt;script&gt;alert(1)&lt;/script&gt; or javascript: here.</p>'],
    ['quotes and backquotes', `<p>"double" 'single' \`back\`</p>`],
    ['word break', 'super<wbr></wbr>cali'],
  ])('stays: %s', async (_label, html) => {
    expect(await sanitizeHtml(html)).toBe(html)
    expect(await sanitizeHtml(html, { images: true })).toBe(html)
  })

  it.each([
    ['void elements', 'a<br>b<hr>c', 'a<br />b<hr />c'],
    [
      'capitals',
      '<P>x</P><A HREF="HTTPS://A.example">y</A>',
      `<p>x</p><a href="HTTPS://A.example" ${REL}>y</a>`,
    ],
    ['unclosed items', '<ul><li>a<li>b</ul>', '<ul><li>a</li><li>b</li></ul>'],
    ['unquoted attribute', '<td colspan=2>x</td>', '<td colspan="2">x</td>'],
    [
      'spaces around an address',
      '<a href=" https://a.example ">x</a>',
      `<a href="https://a.example" ${REL}>x</a>`,
    ],
    ['named entities', 'caf&eacute;&nbsp;&mdash;&copy;', 'café\u00a0—©'],
    ['joiners and marks as entities', 'می&zwnj;خواهم שלום!&rlm;', 'می\u200cخواهم שלום!\u200f'],
    [
      'whole document',
      '<!doctype html><html><head><title>T</title></head><body><p>x</p></body></html>',
      '<p>x</p>',
    ],
    ['relative link', '<a href="/a">x</a>', '<a>x</a>'],
    ['layout elements', '<main><nav>a</nav><font color="red">b</font><center>c</center></main>', 'abc'],
  ])('is written in one way: %s', async (_label, html, written) => {
    expect(await sanitizeHtml(html)).toBe(written)
  })
})

describe('options and limits', () => {
  it('keeps images only when asked, with an absolute address', async () => {
    const image = '<img src="https://a.example/b.png" alt="B" title="T" width="10" height="20" />'
    expect(await sanitizeHtml(`a${image}b`)).toBe('ab')
    expect(await sanitizeHtml(`a${image}b`, { images: true })).toBe(`a${image}b`)
    expect(await sanitizeHtml('<img src="data:image/png;base64,AA"><img src=x>c', { images: true })).toBe('c')
  })

  it('refuses what is too long, saying so', async () => {
    await expect(sanitizeHtml('x'.repeat(1_000_001))).rejects.toThrow(
      new RangeError(
        'The HTML has 1000001 characters, at most 1000000 are sanitized; shorten it or raise maxLength.',
      ),
    )
    await expect(sanitizeHtml('abc', { maxLength: 2 })).rejects.toBeInstanceOf(RangeError)
    expect(await sanitizeHtml('abc', { maxLength: 3 })).toBe('abc')
  })

  it('flattens deep nesting and refuses the deepest', async () => {
    const nested = (depth: number): string => `${'<b>'.repeat(depth)}x${'</b>'.repeat(depth)}`
    expect(await sanitizeHtml(nested(256))).toBe(nested(256))
    expect(await sanitizeHtml(nested(1500))).toBe(nested(256))
    await expect(sanitizeHtml('<b>'.repeat(300_000))).rejects.toThrow(
      new RangeError('The HTML is nested deeper than 2000 elements; close the ones that end.'),
    )
  })
})

it('names the package when it is not installed', () => {
  // The same sources, in a folder from which no package can be found.
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
  try {
    const sources = fileURLToPath(new URL('.', import.meta.url))
    for (const name of readdirSync(sources).filter((file) => /^[a-z-]+\.ts$/.test(file))) {
      const { outputText } = ts.transpileModule(readFileSync(join(sources, name), 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2023,
          verbatimModuleSyntax: true,
        },
      })
      writeFileSync(join(folder, name.replace(/\.ts$/, '.js')), outputText)
    }
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    const program = `import { sanitizeHtml } from './sanitize-html.js'
      await sanitizeHtml('<b>').catch((error) => process.stdout.write(error.message + error.cause.code))`
    writeFileSync(join(folder, 'main.js'), program)
    const { stdout, stderr } = spawnSync(process.execPath, ['main.js'], { cwd: folder, encoding: 'utf8' })
    expect(stdout + stderr).toBe(
      'sanitizeHtml needs the package sanitize-html: install it with `npm install sanitize-html`.ERR_MODULE_NOT_FOUND',
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

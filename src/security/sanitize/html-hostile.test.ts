import { createRequire } from 'node:module'
import fc from 'fast-check'
import type { Parser } from 'htmlparser2'
import { describe, expect, it } from 'vitest'
import { fuzzRuns } from '../../../test/fuzz-runs.js'
import { LINK_REL } from './html-allow-list.js'
import { sanitizeHtml } from './sanitize-html.js'

/** Label, HTML, what must remain (REL stands for the attribute of links), and what remains where images may stay. */
type Case = readonly [string, string, string, string?]

const tagsAndLinks: readonly Case[] = [
  ['script', 'a<script>alert(1)</script>b', 'ab'],
  ['script in capitals', '<ScRiPt SRC=//e.example/x.js></sCrIpT>b', 'b'],
  ['script without an end', 'a<script>alert(1)', 'a'],
  ['script with a slash', '<script/x>alert(1)</script>b', 'b'],
  ['script with a broken end', '<script>alert(1)</script bogus>b', 'b'],
  ['nested script halves', '<scr<script>ipt>alert(1)</scr</script>ipt>', 'ipt&gt;alert(1)ipt&gt;'],
  ['NUL in a tag name', '<scr\u0000ipt>alert(1)</scr\u0000ipt>', 'alert(1)'],
  ['NUL before a tag name', '<\u0000script>alert(1)</script>', '&lt;script&gt;alert(1)'],
  ['event handler', '<b onclick=alert(1)>x</b>', '<b>x</b>'],
  ['event handler in capitals', '<p ONMOUSEOVER="alert(1)">x</p>', '<p>x</p>'],
  [
    'event handler after a slash',
    '<a/onclick=alert(1) href="https://a.example">x</a>',
    '<a href="https://a.example" REL>x</a>',
  ],
  ['event handler after a form feed', '<b\fonclick=alert(1)>x</b>', '<b>x</b>'],
  [
    'event handler after a broken quote',
    '<a title=">" onclick=alert(1) href=\'https://a.example\'>x</a>',
    '<a href="https://a.example" title="&gt;" REL>x</a>',
  ],
  ['event handler in backquotes', '<b title=`a` onclick=alert(1)>x</b>', '<b>x</b>'],
  ['event handler behind a NUL', '<b on\u0000click=alert(1)>x</b>', '<b>x</b>'],
  ['autofocus', '<p tabindex=1 onfocus=alert(1) autofocus>x</p>', '<p>x</p>'],
  ['image with onerror', '<img src=x onerror=alert(1)>b', 'b'],
  ['image without an end', 'a<img src=x onerror=alert(1)//', 'a'],
  ['image in an attribute', '<b title="<img src=x onerror=alert(1)>">x</b>', '<b>x</b>'],
  ['javascript link', '<a href="javascript:alert(1)">x</a>', '<a>x</a>'],
  ['javascript in capitals', '<a href="JaVaScRiPt:alert(1)">x</a>', '<a>x</a>'],
  ['javascript with a tab', '<a href="java\tscript:alert(1)">x</a>', '<a>x</a>'],
  ['javascript with a line feed', '<a href="java\nscript:alert(1)">x</a>', '<a>x</a>'],
  ['javascript with entities', '<a href="&#106;avascript&#58;alert(1)">x</a>', '<a>x</a>'],
  [
    'javascript with long entities',
    '<a href="&#0000106&#0000097&#0000118&#0000097script:alert(1)">x</a>',
    '<a>x</a>',
  ],
  ['javascript with named entities', '<a href="java&Tab;script&colon;alert(1)">x</a>', '<a>x</a>'],
  ['javascript after controls', '<a href="\u0001\u001f javascript:alert(1)">x</a>', '<a>x</a>'],
  ['javascript with an invisible character', '<a href="java\u200bscript:alert(1)">x</a>', '<a>x</a>'],
  ['javascript with a byte order mark', '<a href="\ufeffjavascript:alert(1)">x</a>', '<a>x</a>'],
  ['javascript behind a view', '<a href="view-source:javascript:alert(1)">x</a>', '<a>x</a>'],
  ['data link', '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>', '<a>x</a>'],
  ['vbscript link', '<a href="vbscript:msgbox(1)">x</a>', '<a>x</a>'],
  [
    'file, blob and filesystem links',
    '<a href="file:///etc/passwd">x</a><a href="blob:https://a/1">y</a><a href="filesystem:x">z</a>',
    '<a>x</a><a>y</a><a>z</a>',
  ],
  ['link without a scheme', '<a href="//evil.example">x</a>', '<a>x</a>'],
  [
    'link with backslashes',
    '<a href="\\\\evil.example">x</a><a href="/\\evil.example">y</a>',
    '<a>x</a><a>y</a>',
  ],
  ['link without slashes', '<a href="https:evil.example">x</a>', '<a>x</a>'],
  ['link with a user name', '<a href="https://bank.example@evil.example/">x</a>', '<a>x</a>'],
  [
    'link with two addresses',
    '<a href="https://a.example" href="javascript:alert(1)">x</a><a href="javascript:alert(1)" href="https://a.example">y</a>',
    '<a href="https://a.example" REL>x</a><a>y</a>',
  ],
  [
    'link with a target, ping and download',
    '<a href="https://a.example" target=_top ping="https://e.example" download rel=opener>x</a>',
    '<a href="https://a.example" REL>x</a>',
  ],
  [
    'direction override in a link',
    '<a href="https://a.example/\u202egpj.exe" title="\u202eevil">x</a>',
    '<a href="https://a.example/gpj.exe" title="evil" REL>x</a>',
  ],
]

const foreignAndRaw: readonly Case[] = [
  ['SVG with onload', '<svg onload=alert(1)>x</svg>b', 'b'],
  ['SVG with script', '<svg><script>alert(1)</script></svg>b', 'b'],
  [
    'SVG animate',
    '<svg><a><animate attributeName=href values="javascript:alert(1)"/><text>x</text></a></svg>b',
    'b',
  ],
  ['SVG use', '<svg><use xlink:href="data:image/svg+xml,x#x"/></svg>b', 'b'],
  ['xlink on a link', '<a xlink:href="javascript:alert(1)">x</a>', '<a>x</a>'],
  ['SVG style', "<svg><style>{font-family:'<iframe/onload=confirm(1)>'</style></svg>b", 'b'],
  ['SVG foreignObject', '<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>b', 'b'],
  ['SVG desc and title', '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">b', ''],
  ['MathML link', '<math><a xlink:href="javascript:alert(1)">x</a></math>b', 'b'],
  [
    'MathML mutation',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">b',
    '',
  ],
  [
    'MathML annotation',
    '<math><annotation-xml encoding="text/html"><script>alert(1)</script></annotation-xml></math>b',
    'b',
  ],
  [
    'form in form',
    '<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=alert(1) src>">',
    '',
  ],
  ['noscript mutation', '<noscript><p title="</noscript><img src=x onerror=alert(1)>">b', ''],
  ['title mutation', '<title><a href="</title><img src=x onerror=alert(1)>">b</title>c', '"&gt;bc'],
  [
    'textarea mutation',
    '<textarea><a title="</textarea><img src=x onerror=alert(1)>">b</textarea>c',
    '"&gt;bc',
  ],
  ['style mutation', '<style><a title="</style><img src=x onerror=alert(1)>">b', '"&gt;b'],
  ['xmp mutation', '<xmp><p title="</xmp><svg/onload=alert(1)>">b', ''],
  ['noembed mutation', '<noembed><img title="</noembed><img src onerror=alert(1)>"></noembed>b', 'b'],
  ['iframe mutation', '<iframe><img title="</iframe><img src onerror=alert(1)>"></iframe>b', 'b'],
  ['plaintext', 'a<plaintext><script>alert(1)</script>', 'a'],
  [
    'select mutation',
    '<select><option><style></option></select><b><![if x]><img src=x onerror=alert(1)></b>',
    '',
  ],
  [
    'table mutation',
    '<table><td><a><table><img src=x onerror=alert(1)></table></a>',
    '<table><td><a><table></table></a></td></table>',
  ],
  ['template', '<template><img src=x onerror=alert(1)></template>b', 'b'],
  [
    'template string',
    '<b>$\u007balert(1)} {{constructor.constructor("alert(1)")()}}</b>',
    '<b>$\u007balert(1)} {{constructor.constructor("alert(1)")()}}</b>',
  ],
]

const elementsAndSyntax: readonly Case[] = [
  ['style element', '<style>@import "https://e.example/x.css";</style>b', 'b'],
  ['style attribute', '<p style="background:url(javascript:alert(1))">x</p>', '<p>x</p>'],
  ['style with expression', '<p style="width:expression(alert(1))">x</p>', '<p>x</p>'],
  ['class, id, data, slot, is', '<p class=a id=location data-x=y slot=s is=z name=n>x</p>', '<p>x</p>'],
  [
    'clobbering',
    '<a id=document name=cookie>x</a><form name=getElementById><input name=attributes></form>b',
    '<a>x</a>b',
  ],
  [
    'form',
    '<form action="https://e.example"><input name=p><button formaction="javascript:alert(1)">go</button></form>',
    'go',
  ],
  ['input image', '<input type=image src=x onerror=alert(1)>b', 'b'],
  ['iframe', '<iframe src="https://e.example"></iframe>b', 'b'],
  ['iframe srcdoc', '<iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;"></iframe>b', 'b'],
  [
    'object and embed',
    '<object data="javascript:alert(1)"></object><embed src="https://e.example/x.swf">b',
    'b',
  ],
  [
    'applet, portal, frameset',
    '<applet code=x></applet><portal src=x></portal><frameset onload=alert(1)><frame src=x></frameset>b',
    'b',
  ],
  ['meta refresh', '<meta http-equiv=refresh content="0;url=javascript:alert(1)">b', 'b'],
  ['base', '<base href="https://e.example/">b', 'b'],
  ['link element', '<link rel=stylesheet href="https://e.example/x.css">b', 'b'],
  ['video and audio', '<video src=x onerror=alert(1)></video><audio><source onerror=alert(1)></audio>b', 'b'],
  [
    'picture and srcset',
    '<picture><source srcset="https://e.example/x"><img srcset="https://e.example/1x 1x"></picture>b',
    'b',
  ],
  [
    'background',
    '<table background="https://e.example/x"><tr><td background="javascript:alert(1)">x</table>',
    '<table><tr><td>x</td></tr></table>',
  ],
  ['details', '<details open ontoggle=alert(1)><summary>s</summary>x</details>', 'sx'],
  ['marquee', '<marquee onstart=alert(1)>x</marquee>', 'x'],
  ['custom element', '<x-evil onclick=alert(1)>x</x-evil>', 'x'],
  ['dialog and popover', '<dialog open>x</dialog><p popover=auto popovertarget=y>z</p>', 'x<p>z</p>'],
  ['comment', 'a<!-- <script>alert(1)</script> -->b', 'ab'],
  ['comment that ends early', '<!--><img src=x onerror=alert(1)>-->b', '--&gt;b'],
  ['comment with a bang', '<!-- --!><img src=x onerror=alert(1)> -->b', 'b'],
  ['comment without an end', 'a<!-- <b>x</b>', 'a'],
  ['conditional comment', '<!--[if IE]><script>alert(1)</script><![endif]-->b', 'b'],
  ['CDATA', '<![CDATA[<img src=x onerror=alert(1)>]]>b', 'b'],
  ['processing instruction', '<?xml version="1.0"?><?php echo 1 ?>b', 'b'],
  ['doctype', '<!DOCTYPE html [<!ENTITY x "y">]>b', ']&gt;b'],
  [
    'escaped script stays text',
    '&lt;script&gt;alert(1)&lt;/script&gt;',
    '&lt;script&gt;alert(1)&lt;/script&gt;',
  ],
  [
    'twice escaped script',
    '&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;',
    '&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;',
  ],
  ['escaped script in option', '<option>&lt;img src=x onerror=alert(1)&gt;</option>b', 'b'],
  ['UTF-7', '+ADw-script+AD4-alert(1)+ADw-/script+AD4-', '+ADw-script+AD4-alert(1)+ADw-/script+AD4-'],
  ['tag without an end', 'a<b onclick=alert(1)', 'a'],
  ['quotes that never close', '<a href="https://a.example><b title="x onclick=alert(1)>y', '<a>y</a>'],
  [
    'lone angle brackets',
    '1 < 2 > 0 <> << >> <3 </> </ >',
    '1 &lt; 2 &gt; 0 &lt;&gt; &lt;&lt; &gt;&gt; &lt;3 &lt;/&gt; &lt;/ &gt;',
  ],
  ['closing tags alone', '</script></b></p></br>x', '<p></p><br />x'],
  ['duplicate angle', '<<script>alert(1)//<</script>b', '&lt;b'],
  ['unknown namespace', '<html:script>alert(1)</html:script><o:p>x</o:p>', 'alert(1)x'],
  ['override as an entity', 'a&#8238;b&#x2066;c', 'abc'],
  ['escape sequence as an entity', 'a&#27;[31mb&#x9b;31mc', 'ab\u203a31mc'],
  [
    'escape sequence over markup',
    '<b>\u001b[</b>x<a href="https://a.example" title="\u001b[">y</a>',
    '<b></b>x<a href="https://a.example" REL>y</a>',
  ],
  ['tags of Unicode', '<b>x\u{e0041}\u{e0042}</b>', '<b>x</b>'],
  [
    'prototype attribute',
    '<a __proto__=x constructor=y href="https://a.example">x</a>',
    '<a href="https://a.example" REL>x</a>',
  ],
  [
    'span values',
    '<td colspan="1e9" rowspan="-1" onclick=x>x</td><ol start="x" type="url()"><li value=9>y</ol>',
    '<td>x</td><ol><li>y</li></ol>',
  ],
  ['lang and dir values', '<p lang="a&quot; onclick=x" dir="evil">x</p>', '<p>x</p>'],
]

const ELEMENTS = new Set(
  `a abbr article b bdi blockquote br caption cite code col colgroup dd del dfn div dl dt em figcaption figure h1 h2 h3 h4
  h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp section small span strong sub sup table tbody td tfoot th
  thead tr u ul var wbr`.split(/\s+/),
)
const ATTRIBUTES: Readonly<Record<string, RegExp>> = {
  href: /^(?:https?:\/\/|mailto:)[^\u0000-\u0020]*/i,
  src: /^https?:\/\//i,
  rel: new RegExp(`^${LINK_REL}$`),
  title: /^/,
  alt: /^/,
  lang: /^[\w-]+$/,
  dir: /^(?:ltr|rtl|auto)$/i,
  scope: /^[a-z]+$/i,
  type: /^[1aAiI]$/,
  ...Object.fromEntries(
    ['colspan', 'rowspan', 'span', 'start', 'width', 'height'].map((name) => [name, /^-?\d+$/]),
  ),
}

// The parser that the sanitizer uses, found from there: it need not be installed beside us.
const fromSanitizer = createRequire(createRequire(import.meta.url).resolve('sanitize-html'))
const { Parser: HtmlParser } = fromSanitizer('htmlparser2') as { Parser: typeof Parser }

/** What a parser finds in the HTML that is not on the list above: elements, attributes, comments. */
function strayParts(html: string): string[] {
  const stray: string[] = []
  const parser = new HtmlParser({
    onopentag(name, attributes) {
      if (!ELEMENTS.has(name)) stray.push(`<${name}>`)
      for (const [attribute, value] of Object.entries(attributes)) {
        if (!ATTRIBUTES[attribute]?.test(value)) stray.push(`${attribute}="${value}"`)
      }
    },
    oncomment: (comment) => stray.push(`<!--${comment}-->`),
    onprocessinginstruction: (_name, data) => stray.push(`<${data}>`),
  })
  parser.end(html)
  return stray
}

it('finds what does not belong', () => {
  expect(
    strayParts('<p onclick="x">a</p><!--b--><svg/><a href="javascript:x">c</a><!doctype html>'),
  ).toHaveLength(5)
})

describe.each([
  ['tags, handlers, links', tagsAndLinks],
  ['other languages and raw text', foreignAndRaw],
  ['elements, attributes, syntax', elementsAndSyntax],
] as const)('hostile HTML: %s', (_family, cases) => {
  it.each(cases)('%s', async (_label, html = '', remains = '', withImages = remains) => {
    const outcomes = [await sanitizeHtml(html), await sanitizeHtml(html, { images: true })]
    const rel = `rel="${LINK_REL}"`
    expect(outcomes).toEqual([remains.replaceAll('REL', rel), withImages.replaceAll('REL', rel)])
    expect(outcomes.flatMap(strayParts)).toEqual([])
  })
})

it('has at least 60 hostile fragments', () => {
  expect([tagsAndLinks, foreignAndRaw, elementsAndSyntax].flat().length).toBeGreaterThanOrEqual(60)
})

const PIECES = [
  ...[
    '<',
    '>',
    '</',
    '/>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '="',
    "='",
    '"',
    "'",
    '=',
    '`',
    ' ',
    '\n',
    '\u0000',
  ],
  ...[
    'script',
    'style',
    'svg',
    'math',
    'title',
    'textarea',
    'noscript',
    'iframe',
    'template',
    'xmp',
    'plaintext',
    'mtext',
  ],
  ...[
    '<a ',
    '<b>',
    '</b>',
    '<p>',
    '<img ',
    '<table>',
    '<td>',
    '<svg>',
    '<math>',
    '<style>',
    '</style>',
    '<script>',
  ],
  ...[
    'onclick',
    'onerror=alert(1)',
    'href',
    'src',
    'style',
    'title',
    'javascript:',
    'data:',
    'https://a.example',
  ],
  ...['&lt;', '&#60;', '&quot;', '&#x6a;', '&colon;', '&amp;', '&', ';', '&#8238;', '\u001b[', '\u202e', 'x'],
]

it('leaves nothing outside the list, of any pieces put together', async () => {
  const html = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(''))
  await fc.assert(
    fc.asyncProperty(html, fc.boolean(), async (text, images) => {
      const once = await sanitizeHtml(text, { images })
      expect(strayParts(once)).toEqual([])
      expect(strayParts(await sanitizeHtml(once, { images }))).toEqual([])
      expect(once).not.toMatch(/[\u0000\u001b\u202e]/)
    }),
    { numRuns: fuzzRuns(1500) },
  )
})

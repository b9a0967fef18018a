import { describe, expect, it } from 'vitest'
import { FormatTooLarge, TooManyColumns } from './cells.js'
import { formatRows } from './format-rows.js'

const limit = 100_000
const csv = (rows: Record<string, unknown>[]): string => formatRows(rows, 'csv', limit).text
const xml = (rows: Record<string, unknown>[]): string => formatRows(rows, 'xml', limit).text
const markdown = (rows: Record<string, unknown>[]): string => formatRows(rows, 'markdown', limit).text

describe('csv', () => {
  it('has a header, CRLF, doubled quotes, and quotes where they are needed', () => {
    expect(
      csv([
        { a: 'x,y', b: 'say "hi"' },
        { a: 'two\nlines', b: ' padded ' },
      ]),
    ).toBe('a,b\r\n"x,y","say ""hi"""\r\n"two\nlines"," padded "\r\n')
  })

  it('tells an empty text from a missing value, and writes nested values as JSON', () => {
    expect(csv([{ a: '', b: null, c: [1, { d: 2 }] }])).toBe('a,b,c\r\n"",,"[1,{""d"":2}]"\r\n')
  })

  it('takes every key as a column, and none from the prototype', () => {
    expect(csv([{ a: 1 }, { b: 2, constructor: 'x' }])).toBe('a,b,constructor\r\n1,,\r\n,2,x\r\n')
  })

  it.each(['=1+1', '+A1', '-A1', '@SUM(A1)', '\t=1', ' =1', '\r=1', '＝1'])(
    'disarms the formula %j',
    (formula) => {
      const { text, notes } = formatRows([{ a: formula }], 'csv', limit)
      expect(text).toContain(`'${formula}`)
      expect(notes).toEqual([expect.stringContaining('1 cells')])
    },
  )

  it('disarms formulas in headers too', () => {
    expect(csv([{ '=cmd()': 1 }])).toBe("'=cmd()\r\n1\r\n")
  })

  it.each([-5, '-5', '+1.5', '-1e9', '.5'])('leaves the number %j alone', (number) => {
    expect(formatRows([{ a: number }], 'csv', limit)).toMatchObject({ text: `a\r\n${number}\r\n`, notes: [] })
  })

  it('writes a lone missing value so that the line is not empty', () => {
    expect(csv([{ a: null }])).toBe('a\r\n""\r\n')
  })
})

describe('xml', () => {
  it('escapes text and attributes', () => {
    expect(xml([{ a: '<b>&"\r' }])).toContain('<a>&lt;b&gt;&amp;&quot;&#13;</a>')
    expect(xml([{ 'x"<\n': 1 }])).toContain('<x___ name="x&quot;&lt;&#10;">1</x___>')
  })

  it.each([
    ['US Gross', '<US_Gross name="US Gross">'],
    ['2024', '<_2024 name="2024">'],
    ['xmlns', '<_xmlns name="xmlns">'],
    ['a:b', '<a_b name="a:b">'],
    ['', '<_ name="">'],
    ['-x', '<_-x name="-x">'],
    ['größe', '<größe>'],
  ])('makes an element of the column %j', (column, element) => {
    expect(xml([{ [column]: 1 }])).toContain(element)
  })

  it('replaces what XML 1.0 forbids, and says so', () => {
    const { text, notes } = formatRows([{ a: 'x\u0000\u000B\uFFFE\uD800y\u{1F600}' }], 'xml', limit)
    expect(text).toContain('<a>x\uFFFD\uFFFD\uFFFD\uFFFDy\u{1F600}</a>')
    expect(notes).toEqual([expect.stringContaining('4 characters')])
  })

  it('writes null, arrays and objects', () => {
    const text = xml([{ a: null, b: [1, null], c: { d: true } }])
    expect(text).toContain('<a null="true"/>')
    expect(text.replace(/\s/g, '')).toContain('<b><item>1</item><itemnull="true"/></b><c><d>true</d></c>')
  })
})

describe('markdown', () => {
  it('aligns numbers, and keeps pipes and line ends from breaking the table', () => {
    expect(markdown([{ name: 'a|b\nc', n: 1 }])).toBe('| name | n |\n| --- | ---: |\n| a\\|b<br>c | 1 |\n')
  })

  it('renders nothing from the data: no HTML, no image, no link, no emphasis', () => {
    const text = markdown([{ a: '<img src=x> ![p](http://x/?q) [l](http://x) **b** `c` \\|' }])
    expect(text.split('\n')[2]).toBe(
      '| &lt;img src=x&gt; \\!\\[p\\](http://x/?q) \\[l\\](http://x) \\*\\*b\\*\\* \\`c\\` \\\\\\| |',
    )
  })
})

describe('every format', () => {
  it.each(['json', 'csv', 'xml', 'markdown'] as const)('%s is bounded and takes no rows', (format) => {
    const many = Array.from({ length: 1000 }, (_, n) => ({ n, text: 'x'.repeat(200) }))
    expect(() => formatRows(many, format, limit)).toThrow(FormatTooLarge)
    expect(formatRows([], format, limit).columns).toBe(0)
  })

  it('takes no more columns than a table can show', () => {
    const rows = Array.from({ length: 501 }, (_, n) => ({ [`c${n}`]: n }))
    expect(() => formatRows(rows, 'csv', limit)).toThrow(TooManyColumns)
  })

  it('json reads back', () => {
    const rows = [{ a: 1, b: { c: [null] } }]
    expect(JSON.parse(formatRows(rows, 'json', limit).text)).toEqual(rows)
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DefinitionError } from '../errors/definition-error.js'
import { UriTemplate } from './uri-template.js'

/** RFC 6570 §3.2.2 and §3.2.3, for values without what `{+name}` would have to escape by itself. */
function expand(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\+?)(\w+)\}/g, (_, plus: string, name: string) => {
    const encoded = (values[name] ?? '').split('/').map(encodeURIComponent)
    return plus === '+' ? encoded.join('/') : encoded.join('%2F')
  })
}

/** A value for one segment: any text that stays in its place. */
const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !/[\\/\0]/.test(text) && text !== '.' && text !== '..')

const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/'))

/** Text between expressions: whatever a URI may hold, which is nearly all that a RegExp takes for an operator. */
const literal = fc
  .array(fc.constantFrom(...".*+?^$()|[]-_~!@&',;=:#%ab01"), { maxLength: 8 })
  .map((chars) => chars.join(''))

describe('UriTemplate', () => {
  it('matches what it expands to, value for value', () => {
    fc.assert(
      fc.property(literal, literal, literal, segment, path, (before, between, after, id, rest) => {
        const text = `x://${before}/{id}/${between}/{+rest}${after === '' ? '' : `#${after}`}`
        const values = { id, rest }
        expect(new UriTemplate(text).match(expand(text, values))).toEqual(values)
      }),
      { numRuns: 300 },
    )
  })

  it('matches nothing with a character more or less around it', () => {
    const template = new UriTemplate('app://orders/{id}/lines')
    for (const uri of [
      'app://orders/7/line',
      'app://orders/7/liness',
      ' app://orders/7/lines',
      'app://orders/7/lines\n',
      'app://orders/7/lines/',
      'app://orders//lines',
      'app://orders/7/8/lines',
      'app://orders/7?x/lines',
      'app://orders/7#x/lines',
      'APP://orders/7/lines',
      '',
    ]) {
      expect([uri, template.match(uri)]).toEqual([uri, undefined])
    }
  })

  it.each(['.', '*', '+', '?', '^', '$', '(', ')', '|', '[', ']', '\\', '/', '-'])(
    'takes %s in a template for itself',
    (char) => {
      const template = new UriTemplate(`x://a${char}b/{id}`)
      expect(template.match(`x://a${char}b/7`)).toEqual({ id: '7' })
      for (const other of ['', 'a', 'aa', '\\', 'x']) {
        if (other !== char) expect(template.match(`x://a${other}b/7`)).toBeUndefined()
      }
    },
  )

  it.each([
    ['a step upwards', '..'],
    ['an encoded step upwards', '%2e%2e'],
    ['half an encoded step', '%2E.'],
    ['the place itself', '.'],
    ['the encoded place itself', '%2e'],
    ['an encoded slash', 'a%2Fb'],
    ['an encoded slash and steps', '..%2f..%2fetc%2fpasswd'],
    ['a backslash', 'a\\b'],
    ['an encoded backslash', '..%5c..%5cboot.ini'],
    ['a zero byte', 'a%00.txt'],
    ['a percent sign alone', '%'],
    ['a cut character', '%e4%b8'],
    ['an overlong slash', '%c0%af'],
  ])('does not match a segment that is more than one: %s', (_, value) => {
    expect(new UriTemplate('data://{name}/schema').match(`data://${value}/schema`)).toBeUndefined()
  })

  it.each([
    ['a step upwards', '../etc/passwd'],
    ['one in the middle', 'a/../../b'],
    ['one at the end', 'a/..'],
    ['an encoded one', 'a/%2e%2e/b'],
    ['encoded whole', 'a%2F..%2Fb'],
    ['with backslashes', 'a\\..\\b'],
    ['with encoded backslashes', 'a%5c..%5cb'],
    ['with both', 'a/..%5cb'],
    ['a zero byte', 'a/b%00'],
    ['a query', 'a?b'],
    ['a fragment', 'a#b'],
    ['nothing', ''],
  ])('does not match a path that climbs or ends early: %s', (_, value) => {
    expect(new UriTemplate('file:///{+path}').match(`file:///${value}`)).toBeUndefined()
  })

  it('takes dots that are no steps, and decodes once', () => {
    const path = new UriTemplate('file:///{+path}')
    expect(path.match('file:///a/...b/.c/d..')).toEqual({ path: 'a/...b/.c/d..' })
    const one = new UriTemplate('data://{name}')
    expect(one.match('data://...')).toEqual({ name: '...' })
    expect(one.match('data://%252e%252e')).toEqual({ name: '%2e%2e' })
    expect(one.match('data://%E4%B8%96')).toEqual({ name: '世' })
    expect(one.match('data://a%3Fb%23c')).toEqual({ name: 'a?b#c' })
  })

  it('goes up to the first occurrence of what stands behind a variable', () => {
    expect(new UriTemplate('x://{a}-{b}').match('x://1-2-3')).toEqual({ a: '1', b: '2-3' })
    expect(new UriTemplate('x://{a}-{b}').match('x://--2')).toEqual({ a: '-', b: '2' })
    expect(new UriTemplate('x://{a}.{b}/end').match('x://1.2/end')).toEqual({ a: '1', b: '2' })
    expect(new UriTemplate('x://{a}.{b}/end').match('x://1./end')).toBeUndefined()
  })

  it.each(['x://{a}-{b}-{c}/end', 'x://{+a}/{+b}/{+c}#end'])(
    'reads a long URI that is not of %s once and not once for every way to share it out',
    (text) => {
      const template = new UriTemplate(text)
      for (const filler of ['-', '/', '-/']) {
        expect(template.match(`x://${filler.repeat(200_000)}`)).toBeUndefined()
      }
    },
  )

  it('names its variables in order', () => {
    expect(new UriTemplate('x://{b}/{+a}').variables).toEqual(['b', 'a'])
  })

  it.each([
    ['x://{a', '{a'],
    ['x://a}', 'x://a}'],
    ['x://{}', '{}'],
    ['x://{?a}', '{?a}'],
    ['x://{a,b}', '{a,b}'],
    ['x://{a*}', '{a*}'],
    ['x://{a:3}', '{a:3}'],
    ['x://{1a}', '{1a}'],
    ['x://{{a}}', '{'],
  ])('refuses %s, and says what is wrong', (text, part) => {
    const make = (): UriTemplate => new UriTemplate(text)
    expect(make).toThrow(DefinitionError)
    expect(make).toThrow(JSON.stringify(text))
    expect(make).toThrow(part)
  })

  it('refuses variables with nothing between them, which nothing could tell apart', () => {
    expect(() => new UriTemplate('x://{a}{b}')).toThrow(/has nothing between \{a\} and the next variable/)
  })

  it('refuses a name twice, and a template without one', () => {
    expect(() => new UriTemplate('x://{a}/{+a}')).toThrow(/names \{a\} twice/)
    expect(() => new UriTemplate('x://a')).toThrow(/has no variable; use "uri"/)
  })
})

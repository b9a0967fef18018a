import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ToolError } from '../../errors/tool-error.js'
import { openInside } from './open-inside.js'
import { readInside } from './read-inside.js'
import { resolveInside } from './resolve-inside.js'

const secret = 'SECRET outside'
let base = ''
let root = ''

const up = '..'
const deepUp = `${'../'.repeat(40)}etc/passwd`

/** Every one of them is refused by its text alone, whether there is such a file or not. */
const hostile: readonly (readonly [label: string, path: string])[] = [
  ['one step up', '..'],
  ['one step up, with a slash', '../'],
  ['a file beside the root', '../secret.txt'],
  ['many steps up', deepUp],
  ['up after going down', 'docs/../../secret.txt'],
  ['up after going down twice', 'docs/guide/../../../secret.txt'],
  ['up behind dots that are no steps', './.././secret.txt'],
  ['up behind empty names', 'docs//..//..//secret.txt'],
  ['up at the end', 'docs/../..'],
  ['up into a folder that starts like the root', '../data-secret/secret.txt'],
  ['up and back into the root', '../data/docs/a.txt'],
  ['absolute', '/etc/passwd'],
  ['absolute root', '/'],
  ['two slashes first', '//etc/passwd'],
  ['many slashes first', '////etc/passwd'],
  ['a magic link of /proc', '/proc/self/root/etc/passwd'],
  ['a network share with slashes', '//server/share/file.txt'],
  ['a device path with slashes', '//?/C:/Windows/win.ini'],
  ['a local device with slashes', '//./C:/Windows/win.ini'],
  ['a network share', '\\\\server\\share\\file.txt'],
  ['a device path', '\\\\?\\C:\\Windows\\win.ini'],
  ['a local device', '\\\\.\\PhysicalDrive0'],
  ['an NT path', '\\??\\C:\\Windows\\win.ini'],
  ['a drive with a backslash', 'C:\\Windows\\win.ini'],
  ['a drive with a slash', 'C:/Windows/win.ini'],
  ['a path relative to a drive', 'C:secret.txt'],
  ['a drive alone', 'c:'],
  ['up with backslashes', '..\\secret.txt'],
  ['up with both separators', '..\\../secret.txt'],
  ['up with backslashes after going down', 'docs\\..\\..\\secret.txt'],
  ['a backslash in a name', 'docs\\a.txt'],
  ['a backslash before a slash', '..\\/secret.txt'],
  ['NUL behind a name', 'a.txt\0.png'],
  ['NUL alone', '\0'],
  ['NUL behind a step up', '..\0/secret.txt'],
  ['a newline', 'docs\n/a.txt'],
  ['a carriage return', 'a.txt\r'],
  ['a tab', '..\t/secret.txt'],
  ['an escape', 'docs/\u001b[2Ja.txt'],
  ['delete', 'docs/\u007fa.txt'],
  ['a C1 control', 'docs/\u0085a.txt'],
  ['a lone high surrogate', 'docs/\ud83d.txt'],
  ['a lone low surrogate', '\udc00/a.txt'],
  ['empty', ''],
  ['longer than any path', 'a/'.repeat(2049)],
  ['a name longer than any name', `docs/${'a'.repeat(256)}`],
  ['a file URL', 'file:///etc/passwd'],
  ['a file URL without slashes', 'file:etc/passwd'],
  ['a file URL in capitals', 'FILE:/etc/passwd'],
  ['a web URL', 'http://127.0.0.1/secret.txt'],
  ['another URL', 'php+x.y-z://filter/a.txt'],
  // Encoded: harmless for us, dangerous for whoever decodes once more.
  ['encoded dots', '%2e%2e/secret.txt'],
  ['encoded dots and slash', '%2e%2e%2fsecret.txt'],
  ['encoded in capitals', '%2E%2E%2Fsecret.txt'],
  ['one encoded dot', '.%2e/secret.txt'],
  ['the other encoded dot', '%2e./secret.txt'],
  ['a dot that is encoded alone', '%2e/docs/a.txt'],
  ['encoded slash', '..%2fsecret.txt'],
  ['encoded slash without a step', 'docs%2fa.txt'],
  ['encoded slash first', '%2fetc/passwd'],
  ['encoded backslash', '..%5csecret.txt'],
  ['encoded backslash without a step', 'docs%5Ca.txt'],
  ['encoded share', '%5c%5cserver%5cshare'],
  ['encoded NUL', 'a.txt%00.png'],
  ['encoded newline', 'a%0d%0ab'],
  ['encoded C1', 'a%c2%85b'],
  ['encoded twice', '%252e%252e%252fsecret.txt'],
  ['encoded twice, dots alone', '%252e%252e/secret.txt'],
  ['slash encoded twice', '..%252fsecret.txt'],
  ['NUL encoded twice', 'a.txt%2500'],
  ['encoded three times', '%25252e%25252e%25252f'],
  ['encoded in pieces', '%%32%65%%32%65/secret.txt'],
  ['encoded in other pieces', '%2%65%2%65%2f'],
  ['encoded too many times', `%${'25'.repeat(40)}2e`],
  ['an overlong dot', '%c0%ae%c0%ae/secret.txt'],
  ['an overlong slash', '..%c0%afsecret.txt'],
  ['an overlong backslash', '..%c1%9csecret.txt'],
  ['an overlong dot of three bytes', '%e0%80%ae%e0%80%ae/secret.txt'],
  ['an overlong slash of four bytes', '..%f0%80%80%afsecret.txt'],
  ['an overlong slash of six bytes', '..%fc%80%80%80%80%afsecret.txt'],
  ['overlong and encoded twice', '%25c0%25ae%25c0%25ae/secret.txt'],
  ['a malformed pair of old servers', '..%c1%pcsecret.txt'],
  ['bytes that are no UTF-8 before a step', '%ff%2e%2e%2fsecret.txt'],
  ['the %u form', '%u002e%u002e%u2215secret.txt'],
  ['the %u form of a slash', '..%u002fsecret.txt'],
  ['an encoded full-width slash after a step', '..%ef%bc%8fsecret.txt'],
  ['a full-width percent sign', '..\uff052fsecret.txt'],
  ['an encoded drive', 'c%3a/Windows'],
  ['an encoded file URL', 'file%3aetc'],
  ['an encoded space behind a step', '..%20/secret.txt'],
  ['an encoded stream', 'a.txt%3a%3a$DATA'],
  // Characters that look like the dangerous ones.
  ['full-width dots', '\uff0e\uff0e/secret.txt'],
  ['a full-width and a plain dot', '.\uff0e/secret.txt'],
  ['a full-width slash', '..\uff0fsecret.txt'],
  ['a full-width slash first', '\uff0fetc/passwd'],
  ['a full-width backslash', '..\uff3csecret.txt'],
  ['a small backslash', '..\ufe68secret.txt'],
  ['full-width throughout', '\uff0e\uff0e\uff0fsecret.txt'],
  ['a division slash', '..\u2215secret.txt'],
  ['a fraction slash', '..\u2044secret.txt'],
  ['a big solidus', '..\u29f8secret.txt'],
  ['a set minus', '..\u2216secret.txt'],
  ['a box diagonal', '..\u2571secret.txt'],
  ['leaders of one dot', '\u2024\u2024/secret.txt'],
  ['a leader of two dots', '\u2025/secret.txt'],
  ['a leader of two dots between', 'docs/\u2025/\u2025/secret.txt'],
  ['ideographic full stops', '\u3002\u3002/secret.txt'],
  ['half-width ideographic full stops', '\uff61\uff61/secret.txt'],
  ['small full stops', '\ufe52\ufe52/secret.txt'],
  ['a two-dot leader for vertical text', '\ufe30/secret.txt'],
  ['a zero-width space in a step', '.\u200b./secret.txt'],
  ['a zero-width joiner behind a step', '..\u200d/secret.txt'],
  ['a byte order mark in a step', '\ufeff../secret.txt'],
  ['a soft hyphen in a step', '.\u00ad./secret.txt'],
  ['a no-break space behind a step', '..\u00a0/secret.txt'],
  ['a variation selector in a step', '.\ufe0f./secret.txt'],
  ['tag characters in a step', '.\u{e0041}./secret.txt'],
  ['a full-width drive', '\uff23\uff1a/Windows'],
  ['a full-width drive and backslash', '\uff23\uff1a\uff3cWindows'],
  // What Windows makes of names.
  ['a space behind a step', '.. /secret.txt'],
  ['a space between dots', '. ./secret.txt'],
  ['a space before a step', ' ../secret.txt'],
  ['a name that ends with a dot', 'a.txt.'],
  ['a name that ends with a space', 'a.txt '],
  ['a name that ends with both', 'a.txt. .'],
  ['a space alone', ' '],
  ['the data stream', 'docs/a.txt::$DATA'],
  ['a stream with a type', 'docs/a.txt:hidden:$DATA'],
  ['the index of a folder', 'docs:$I30:$INDEX_ALLOCATION/a.txt'],
  ['the device NUL', 'NUL'],
  ['the device con in small letters', 'con'],
  ['the device Aux in a folder', 'docs/Aux'],
  ['a device as a folder', 'prn/a.txt'],
  ['a device with an extension', 'nul.txt'],
  ['a device with two extensions', 'com1.tar.gz'],
  ['a device with a space', 'LPT9 .txt'],
  ['a device with a small digit', 'com\u00b9'],
  ['a device with a stream', 'con:x'],
  ['the console for input', 'CONIN$'],
  ['an encoded device', 'nul%2etxt'],
]

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-paths-')))
  root = join(base, 'data')
  await mkdir(join(root, 'docs/guide'), { recursive: true })
  await mkdir(join(base, 'data-secret'))
  await writeFile(join(root, 'docs/a.txt'), 'a')
  await writeFile(join(root, 'a.txt'), 'a')
  await writeFile(join(base, 'secret.txt'), secret)
  await writeFile(join(base, 'data-secret/secret.txt'), secret)
})
afterAll(() => rm(base, { recursive: true, force: true }))

async function refusal(work: Promise<unknown>): Promise<ToolError> {
  const result = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if (!('error' in result)) throw new Error(`It was let through: ${String(result.value)}`)
  if (!ToolError.is(result.error)) throw result.error
  return result.error
}

describe('hostile paths', () => {
  it.each(hostile)('%s', async (_label, path) => {
    const errors = [
      await refusal(resolveInside(root, path)),
      await refusal(resolveInside(root, path, { mustExist: false })),
      await refusal(openInside(root, path)),
      await refusal(openInside(root, path, 'w')),
      await refusal(readInside(root, path)),
    ]
    for (const error of errors) {
      expect([error.code, error.message]).toEqual([
        'path_not_allowed',
        expect.not.stringContaining(base) as string,
      ])
      expect(error.message).toMatch(/^The path .{1,100} [a-z].*\.$/u)
    }
  })

  it.each(hostile)('%s, in a folder of the root', async (_label, path) => {
    const deeper = `docs/guide/${path}`
    // Empty is the folder, a leading slash is an empty name, and few enough steps up stay inside.
    const real = await resolveInside(root, deeper).catch((error: unknown) => {
      if (!ToolError.is(error)) throw error
      return root
    })
    expect(real === root || real.startsWith(`${root}/`)).toBe(true)
  })

  it('writes and empties nothing outside', async () => {
    expect(await readFile(join(base, 'secret.txt'), 'utf8')).toBe(secret)
    expect(await readFile(join(base, 'data-secret/secret.txt'), 'utf8')).toBe(secret)
    expect(await readdir(join(base, 'data-secret'))).toEqual(['secret.txt'])
  })
})

/** Links, by what they lead to; paths that go through them. */
const links: readonly (readonly [label: string, target: string, path: string])[] = [
  ['a file outside, absolute', '$BASE/secret.txt', 'link'],
  ['a file outside, relative', '../secret.txt', 'link'],
  ['a folder outside, absolute', '$BASE/data-secret', 'link/secret.txt'],
  ['a folder outside, relative', '../data-secret', 'link/secret.txt'],
  ['a new name in a folder outside', '$BASE/data-secret', 'link/new.txt'],
  ['new folders in a folder outside', '../data-secret', 'link/new/folder/new.txt'],
  ['the folder above', up, 'link/secret.txt'],
  ['the folder above, as a listing', up, 'link'],
  ['the root of the system', '/', 'link/etc/passwd'],
  ['a link that leads out', 'chain', 'link'],
  ['a link in a folder that leads out', 'docs/chain', 'link/secret.txt'],
  ['itself', 'link', 'link'],
  ['a link that leads back', 'loop', 'link/a.txt'],
  ['nothing outside', '$BASE/nothing', 'link'],
  ['nothing outside, relative', '../nothing', 'link'],
  ['nothing inside', 'nothing', 'link'],
  ['a name below nothing outside', '$BASE/nothing', 'link/new.txt'],
  ['a magic link of /proc', '/proc/self/root', 'link/etc/passwd'],
  ['a descriptor', '/proc/self/fd/0', 'link'],
  ['the folder of the process', '/proc/self/cwd', 'link/package.json'],
  ['a folder that starts like the root', '../data-secret/', 'link/secret.txt'],
  ['out and in again by the parent of the root', '../data/../secret.txt', 'link'],
]

describe('links that lead out', () => {
  beforeAll(async () => {
    await symlink('../secret.txt', join(root, 'chain'))
    await symlink('../../data-secret', join(root, 'docs/chain'))
    await symlink('link', join(root, 'loop'))
  })

  it.each(links)('a link to %s', async (_label, target, path) => {
    const link = join(root, 'link')
    await rm(link, { force: true })
    await symlink(target.replace('$BASE', base), link)
    for (const work of [
      () => resolveInside(root, path),
      () => resolveInside(root, path, { mustExist: false }),
      () => openInside(root, path),
      () => openInside(root, path, 'w'),
      () => openInside(root, path, 'wx'),
      () => openInside(root, path, 'a'),
      () => readInside(root, path),
    ]) {
      const error = await refusal(work())
      expect([error.code, error.message.includes(base)]).toEqual(['path_not_allowed', false])
    }
    expect(await readFile(join(base, 'secret.txt'), 'utf8')).toBe(secret)
    expect(await readdir(join(base, 'data-secret'))).toEqual(['secret.txt'])
  })

  it('says the same of a file outside that is there and of one that is not', async () => {
    const said: string[] = []
    for (const target of ['../secret.txt', '../nothing', '../data-secret', 'link']) {
      await rm(join(root, 'link'), { force: true })
      await symlink(target, join(root, 'link'))
      said.push((await refusal(resolveInside(root, 'link'))).message)
    }
    expect(new Set(said).size).toBe(1)
  })
})

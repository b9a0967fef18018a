import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openInside } from './open-inside.js'
import { readInside } from './read-inside.js'
import { resolveInside } from './resolve-inside.js'

/** Names that people give to files; each is made, found, read and written. */
const names: readonly string[] = [
  'a.txt',
  'README',
  'docs/guide.md',
  'docs/deep/er/and/deeper/still/file.json',
  `${'d/'.repeat(100)}leaf.txt`,
  'with space.txt',
  ' leading space.txt',
  'two  spaces  inside.txt',
  'ünïcödé.txt',
  'caf\u00e9-nfc.txt',
  'cafe\u0301-nfd.txt',
  '日本語/ファイル.csv',
  'A／B.csv',
  '入出金／明細.csv',
  'Live： part 2？.mp4',
  'AC∕DC.mp3',
  'yt-dlp ⧸ title.mkv',
  '½ cup.txt',
  '1⁄2.txt',
  '℅ Smith.txt',
  'Привет, мир.txt',
  'مرحبا.txt',
  'می\u200cخواهم.txt',
  'हिन्दी\u200d.txt',
  'ไทย.txt',
  '한국어.txt',
  '👨‍👩‍👧‍👦.txt',
  '❤️.png',
  '🏴󠁧󠁢󠁥󠁮󠁧󠁿.svg',
  'I·J col·lecció.txt',
  '第一章。序.txt',
  '..notes',
  '..notes/file.txt',
  'a..b',
  'a...b.txt',
  '...',
  '....',
  '.../a.txt',
  '…',
  '…and more.txt',
  'wait‥what.txt',
  '.env.example',
  '.gitignore',
  '.config/app/.hidden',
  'file.tar.gz',
  'v1.2.3-beta+build.5.zip',
  'array[0].json',
  '{id}.json',
  '(copy) of file (2).txt',
  '[...slug].tsx',
  '$page.$id.tsx',
  "it's.txt",
  'say "hi".txt',
  'back`tick`.md',
  'a&b;c|d.txt',
  'what?.txt',
  'star*.txt',
  'less<more>.txt',
  'hash#tag.md',
  'tilde~',
  '~',
  '~/notes.txt',
  '~$report.docx',
  '$HOME/file.txt',
  '{HOME}$.txt',
  '%APPDATA%/x.txt',
  'PROGRA~1.txt',
  '100%.txt',
  '100%',
  '%.txt',
  '%%.txt',
  '50%25 off.csv',
  '5% of 20%.txt',
  '%20leading.txt',
  'with%20space.txt',
  'caf%C3%A9.txt',
  'caf%e9.txt',
  '%E6%97%A5%E6%9C%AC.txt',
  'file%2etxt',
  'q%3Fx%3D1.html',
  'log-2026-01-01T10%3A30.txt',
  '%zz.txt',
  '%2.txt',
  '%u.txt',
  '達成率100％20件.txt',
  'a+b=c.txt',
  'user@example.com.vcf',
  'a,b;c.csv',
  'comma, separated.csv',
  'exclaim!.txt',
  'caret^.txt',
  'under_score-dash.txt',
  '-rf',
  '--help',
  '2026-01-01T10:00:00.log',
  'meeting 10:30.txt',
  'notes/Q: why.md',
  'console.log',
  'nul-values.csv',
  'aux-data.csv',
  'auxiliary.txt',
  'con-fig.yml',
  'contact.vcf',
  'prnt.txt',
  'null',
  'null.txt',
  'com.example.app/Info.plist',
  'com10.txt',
  'com.txt',
  'lpt.txt',
  'company1.txt',
  'etc/passwd',
  'proc/self/environ',
  'file',
  'file.txt/not-a-file.txt',
  'files/http.txt',
  'http/index.html',
  'C/x.txt',
  'index.html;v=1',
  '..;.txt',
  'x'.repeat(255),
  '\u00a0nbsp\u00a0.txt',
  'constructor',
  '__proto__',
  'toString/valueOf',
]

let base = ''
let root = ''

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-paths-')))
  root = join(base, 'data')
  await mkdir(root)
})
afterAll(() => rm(base, { recursive: true, force: true }))

describe('legitimate names', () => {
  it.each(names)('%s', async (name) => {
    const own = await mkdtemp(join(root, 'names-'))
    const path = join(own, name)
    await mkdir(dirname(path), { recursive: true })
    expect(await resolveInside(own, name, { mustExist: false })).toBe(path)
    await expect(resolveInside(own, name)).rejects.toMatchObject({ code: 'path_not_found' })
    const made = await openInside(own, name, 'wx')
    await made.writeFile(name)
    await made.close()
    expect(await readFile(path, 'utf8')).toBe(name)
    expect(await resolveInside(own, name)).toBe(path)
    expect((await readInside(own, name)).toString()).toBe(name)
  })
})

/** Other spellings of one path; links that stay inside. */
const spellings: readonly (readonly [label: string, path: string, real: string])[] = [
  ['the root', '.', ''],
  ['the root with a slash', './', ''],
  ['the root twice', './.', ''],
  ['down and up to the root', 'sub/..', ''],
  ['a dot first', './sub/file.txt', 'sub/file.txt'],
  ['two slashes', 'sub//file.txt', 'sub/file.txt'],
  ['a dot between', 'sub/./file.txt', 'sub/file.txt'],
  ['down and up', 'sub/../sub/file.txt', 'sub/file.txt'],
  ['down twice and up twice', 'a/b/../../sub/file.txt', 'sub/file.txt'],
  ['a folder', 'sub', 'sub'],
  ['a folder with a slash', 'sub/', 'sub'],
  ['a folder with slashes', 'sub///', 'sub'],
  ['a link to a file', 'to-file', 'sub/file.txt'],
  ['a link to a folder', 'to-folder/file.txt', 'sub/file.txt'],
  ['a link to a folder, itself', 'to-folder', 'sub'],
  ['an absolute link', 'to-absolute', 'sub/file.txt'],
  ['a link to a link', 'to-link', 'sub/file.txt'],
  ['a link that goes up and stays inside', 'sub/to-above', ''],
  ['through it', 'sub/to-above/sub/file.txt', 'sub/file.txt'],
  ['a link out of the root and back into it', 'back/sub/file.txt', 'sub/file.txt'],
  ['up behind a link, as text', 'to-folder/../sub/file.txt', 'sub/file.txt'],
]

describe('other spellings', () => {
  beforeAll(async () => {
    await mkdir(join(root, 'sub'))
    await writeFile(join(root, 'sub/file.txt'), 'the file')
    await symlink('sub/file.txt', join(root, 'to-file'))
    await symlink('sub', join(root, 'to-folder'))
    await symlink(join(root, 'sub/file.txt'), join(root, 'to-absolute'))
    await symlink('to-file', join(root, 'to-link'))
    await symlink('..', join(root, 'sub/to-above'))
    await symlink('../data', join(root, 'back'))
  })

  it.each(spellings)('%s', async (_label, path, real) => {
    expect(await resolveInside(root, path)).toBe(join(root, real))
    if (real.endsWith('.txt')) expect((await readInside(root, path)).toString()).toBe('the file')
  })

  it('takes a root that is a link, has a trailing slash, steps up or is relative', async () => {
    await symlink('data', join(base, 'alias'))
    const file = join(root, 'sub/file.txt')
    const relative = join(
      '.',
      ...process
        .cwd()
        .split('/')
        .filter(Boolean)
        .map(() => '..'),
      root,
    )
    for (const given of [join(base, 'alias'), `${root}/`, `${root}/sub/..`, `${base}//data`, relative]) {
      expect(await resolveInside(given, 'sub/file.txt')).toBe(file)
      expect((await readInside(given, 'to-absolute')).toString()).toBe('the file')
    }
  })

  it('takes the root of the system as a root', async () => {
    expect(await resolveInside('/', root.slice(1))).toBe(root)
    expect((await readInside('/', `${root.slice(1)}/sub/file.txt`)).toString()).toBe('the file')
  })
})

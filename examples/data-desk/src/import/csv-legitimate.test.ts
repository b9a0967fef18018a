import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CsvHost, startCsvHost } from '../../test/csv-host.js'
import { type Desk, openDesk } from '../data/desk.js'

let desk: Desk
let host: CsvHost
beforeAll(async () => {
  desk = await openDesk({ only: (file) => file === 'lookup_people.csv' })
  host = await startCsvHost()
})
afterAll(async () => {
  desk.close()
  await host.close()
})

const bom = '\u{feff}'
const small = [
  ['a', 'b'],
  [1, 'x'],
  [2, 'y'],
] as const

/** A file, and what it must be read as: its names first. */
const files: [label: string, text: string, table: readonly (readonly unknown[])[]][] = [
  ['commas', 'a,b\n1,x\n2,y\n', small],
  ['semicolons', 'a;b\n1;x\n2;y\n', small],
  ['tabs', 'a\tb\n1\tx\n2\ty\n', small],
  ['bars', 'a|b\n1|x\n2|y\n', small],
  ['CRLF', 'a,b\r\n1,x\r\n2,y\r\n', small],
  ['CR', 'a,b\r1,x\r2,y', small],
  ['LF first, CRLF later', 'a,b\n1,x\r\n2,y\r\n', small],
  ['CRLF first, LF later', 'a,b\r\n1,x\n2,y\n', small],
  ['no line end at the end', 'a,b\n1,x\n2,y', small],
  ['empty lines', '\na,b\n\n1,x\r\n\r\n\n2,y\n\n', small],
  ['BOM', `${bom}a,b\n1,x\n2,y\n`, small],
  ['a line that names the delimiter', 'sep=;\r\na;b\r\n1;x\r\n2;y\r\n', small],
  ['everything in quotes', '"a","b"\n"1","x"\n"2","y"\n', small],
  ['spaces around numbers and names', ' a , b\n 1,x\n2 ,y\n', small],
  [
    'BOM before a quoted name',
    `${bom}"a, b",c\n1,2\n`,
    [
      ['a, b', 'c'],
      [1, 2],
    ],
  ],
  [
    'decimal commas',
    'a;b\n1;1,5\n2;2,5\n',
    [
      ['a', 'b'],
      [1, '1,5'],
      [2, '2,5'],
    ],
  ],
  [
    'commas among tabs',
    'a\tb\n1\tx, y\n',
    [
      ['a', 'b'],
      [1, 'x, y'],
    ],
  ],
  [
    'semicolons among bars',
    'a|b|c\n1|2;3|4\n',
    [
      ['a', 'b', 'c'],
      [1, '2;3', 4],
    ],
  ],
  [
    'commas in cells between semicolons',
    'a;b\n"1,2,3";x\n4,5;y\n',
    [
      ['a', 'b'],
      ['1,2,3', 'x'],
      ['4,5', 'y'],
    ],
  ],
  [
    'semicolons in cells between commas',
    'a,b\nx;y;z,1\np;q,2\n',
    [
      ['a', 'b'],
      ['x;y;z', 1],
      ['p;q', 2],
    ],
  ],
  [
    'a comma in a name between semicolons',
    'a, in %;b\n1;x\n2;y\n',
    [
      ['a, in %', 'b'],
      [1, 'x'],
      [2, 'y'],
    ],
  ],
  [
    'commas in quotes between semicolons, in every line',
    'a;"b, c"\n1;"x, y"\n2;"p, q"\n',
    [
      ['a', 'b, c'],
      [1, 'x, y'],
      [2, 'p, q'],
    ],
  ],
  [
    'line breaks in cells',
    'a,b\n1,"x\ny"\n2,"p\r\nq"\n',
    [
      ['a', 'b'],
      [1, 'x\ny'],
      [2, 'p\r\nq'],
    ],
  ],
  [
    'quotes in quotes',
    'a,b\n"say ""hi""",1\n',
    [
      ['a', 'b'],
      ['say "hi"', 1],
    ],
  ],
  [
    'only a quote',
    'a,b\n"""",1\n',
    [
      ['a', 'b'],
      ['"', 1],
    ],
  ],
  [
    'inches',
    'a,b\n5" disk,1\n',
    [
      ['a', 'b'],
      ['5" disk', 1],
    ],
  ],
  [
    'delimiters in quotes',
    'a,b\n"x,y",1\n',
    [
      ['a', 'b'],
      ['x,y', 1],
    ],
  ],
  ['one column', 'name\nAnna\nBjørn\n', [['name'], ['Anna'], ['Bjørn']]],
  ['one column with an empty cell in quotes', 'name\nAnna\n""\nOla\n', [['name'], ['Anna'], [null], ['Ola']]],
  ['one column of numbers', 'n\n1\n2\n', [['n'], [1], [2]]],
  ['a header alone', 'a,b\n', [['a', 'b']]],
  [
    'empty cells',
    'a,b,c\n1,,\n,x,\n',
    [
      ['a', 'b', 'c'],
      [1, null, null],
      [null, 'x', null],
    ],
  ],
  [
    'a row of empty cells',
    'a,b\n,\n1,x\n',
    [
      ['a', 'b'],
      [null, null],
      [1, 'x'],
    ],
  ],
  [
    'a delimiter at the end of each line',
    'a,b,\n1,x,\n',
    [
      ['a', 'b', 'column3'],
      [1, 'x', null],
    ],
  ],
  [
    'names missing, and equal',
    ',ID,id,ID_2,\n1,2,3,4,5\n',
    [
      ['column1', 'ID', 'id_2', 'ID_2_2', 'column5'],
      [1, 2, 3, 4, 5],
    ],
  ],
  [
    'a line break in a name',
    '"Net\nsales",b\n1,2\n',
    [
      ['Net sales', 'b'],
      [1, 2],
    ],
  ],
  [
    'hidden characters in names',
    'a\u{200b}b\u{202e},c\u{7}\n1,2\n',
    [
      ['ab', 'c'],
      [1, 2],
    ],
  ],
  [
    'every script',
    '名前,имя,نام,Größe\nあ,б,آ,ß\n',
    [
      ['名前', 'имя', 'نام', 'Größe'],
      ['あ', 'б', 'آ', 'ß'],
    ],
  ],
  [
    'joiners in names',
    'می\u{200c}خواهم,👨\u{200d}👩\u{200d}👧,क्\u{200d}ष\n1,2,3\n',
    [
      ['می\u{200c}خواهم', '👨\u{200d}👩\u{200d}👧', 'क्\u{200d}ष'],
      [1, 2, 3],
    ],
  ],
  [
    'emoji',
    'a,b\n👨‍👩‍👧‍👦,1\n',
    [
      ['a', 'b'],
      ['👨‍👩‍👧‍👦', 1],
    ],
  ],
  [
    'quotes and brackets in names',
    '"a""b",[c],(d)\n1,2,3\n',
    [
      ['a"b', '[c]', '(d)'],
      [1, 2, 3],
    ],
  ],
  [
    'a bracket first',
    '[id],[name]\n1,x\n',
    [
      ['[id]', '[name]'],
      [1, 'x'],
    ],
  ],
  [
    'a brace first',
    '{id},{name}\n1,x\n',
    [
      ['{id}', '{name}'],
      [1, 'x'],
    ],
  ],
  [
    'a less-than first',
    '<18,18-30,>30\n1,2,3\n',
    [
      ['<18', '18-30', '>30'],
      [1, 2, 3],
    ],
  ],
  [
    'names of objects',
    '__proto__,constructor\n1,2\n',
    [
      ['__proto__', 'constructor'],
      [1, 2],
    ],
  ],
  [
    'names of SQL',
    'select,order,rowid\n1,2,3\n',
    [
      ['select', 'order', 'rowid'],
      [1, 2, 3],
    ],
  ],
  [
    'white space around text',
    'a,b\n x ,1\n',
    [
      ['a', 'b'],
      [' x ', 1],
    ],
  ],
  [
    'SQL in cells',
    "a,b\n'); DROP TABLE people; --,1\n",
    [
      ['a', 'b'],
      ["'); DROP TABLE people; --", 1],
    ],
  ],
  [
    'SQL in names',
    '"a"" FROM people; --",b\n1,2\n',
    [
      ['a" FROM people; --', 'b'],
      [1, 2],
    ],
  ],
  [
    'markup in cells',
    'a,b\n<b>x</b>,1\n',
    [
      ['a', 'b'],
      ['<b>x</b>', 1],
    ],
  ],
  [
    'JSON in cells',
    'a,b\n"{""k"": [1]}",1\n',
    [
      ['a', 'b'],
      ['{"k": [1]}', 1],
    ],
  ],
]

it.each(files)('%s', async (_label, text, [names = [], ...rows]) => {
  const caller = desk.forCaller('reader')
  const table = await caller.importCsv({ url: host.url(text), name: 'sample', fetch })
  expect(table.columns.map(({ name }) => name)).toEqual(names)
  expect(table.rows).toBe(rows.length)
  const result = await desk.forCaller('reader').query('SELECT * FROM sample')
  expect(result.columns).toEqual(table.columns)
  expect(result.rows.map((row) => names.map((name) => row[String(name)]))).toEqual(rows)
  expect((await desk.forCaller('reader').describe('sample'))?.columns.map(({ name }) => name)).toEqual(names)
})

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

it('reads the text that a compressed body has', async () => {
  const url = host.url((response) => {
    response.setHeader('Content-Encoding', 'gzip')
    response.end(gzipSync('a,b\n1,x\n'))
  })
  expect(await desk.forCaller('reader').importCsv({ url, name: 'packed', fetch })).toMatchObject({ rows: 1 })
})

it('reads a body that comes byte by byte', async () => {
  const url = host.url((response) => {
    const bytes = Buffer.from(`\u{feff}ä,b\r\n"é\r\n",x\r\n`)
    let at = 0
    const more = (): void => {
      at += 1
      if (at > bytes.length) response.end()
      else response.write(bytes.subarray(at - 1, at), () => setImmediate(more))
    }
    more()
  })
  await desk.forCaller('reader').importCsv({ url, name: 'drops', fetch })
  expect((await desk.forCaller('reader').query('FROM drops')).rows).toEqual([{ ä: 'é\r\n', b: 'x' }])
})

it('keeps characters, quotes and line ends whole, wherever the pieces of a file end', async () => {
  const cells = Array.from({ length: 20_000 }, (_, n) => `${'x'.repeat(n % 7)}👍"é\r\n${n}`)
  const lines = cells.map((cell, n) => `${n},"${cell.replaceAll('"', '""')}"`)
  const url = host.url(['n,cell', ...lines].join('\r\n'))
  await desk.forCaller('reader').importCsv({ url, name: 'marks', fetch })
  const sql = `SELECT count(*) AS n, count(*) FILTER (cell = concat(repeat('x', n % 7), '👍"é', chr(13), chr(10), n)) AS whole FROM marks`
  expect((await desk.forCaller('reader').query(sql)).rows).toEqual([{ n: 20_000, whole: 20_000 }])
})

it('follows redirects, and asks for CSV', async () => {
  const end = host.url('a\n1\n', 'end.csv')
  const url = host.url((response) => {
    response.writeHead(302, { Location: end }).end()
  }, 'start.csv')
  expect(await desk.forCaller('reader').importCsv({ url, name: 'moved', fetch })).toMatchObject({
    file: 'start.csv',
  })
  expect(host.requests.at(-1)?.headers.accept).toContain('text/csv')
})

it('says what came, piece by piece', async () => {
  const seen: [number, number | undefined][] = []
  const onBytes = async (...progress: [number, number | undefined]): Promise<void> => {
    seen.push(progress)
  }
  const text = `a,b\n${'1,x\n'.repeat(100_000)}`
  const url = host.url((response) => {
    response.setHeader('Content-Length', text.length)
    response.end(text)
  })
  await desk.forCaller('reader').importCsv({ url, name: 'told', fetch, onBytes })
  expect(seen.length).toBeGreaterThan(1)
  expect(seen.at(-1)).toEqual([text.length, text.length])
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is still needed: without what only waits to be collected, of which each Node leaves as much as it likes. */
function heldBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

describe('a file of the largest size', () => {
  it('of 200,000 rows is loaded whole, in bounded memory', async () => {
    const before = heldBytes()
    let held = 0
    const watch = setInterval(() => {
      held = Math.max(held, heldBytes())
    }, 100)
    const url = host.url((response) => {
      response.write('id,name,price,day\n')
      let row = 0
      const more = (): void => {
        const lines = []
        while (lines.length < 1000) {
          row += 1
          lines.push(`${row},name ${row % 977},${row / 4},2024-01-${(row % 20) + 10}\n`)
        }
        const roomy = response.write(lines.join(''))
        if (row === 200_000) response.end()
        else if (roomy) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    })
    const table = await desk.forCaller('large').importCsv({ url, name: 'large', fetch })
    clearInterval(watch)
    expect(table).toMatchObject({ rows: 200_000, file: 'data.csv' })
    expect(table.columns.map(({ type }) => type)).toEqual(['BIGINT', 'VARCHAR', 'DOUBLE', 'DATE'])
    const sql = 'SELECT count(DISTINCT id) AS n, sum(price) AS total FROM large'
    expect((await desk.forCaller('large').query(sql)).rows).toEqual([
      { n: 200_000, total: (200_000 * 200_001) / 8 },
    ])
    expect(held).toBeGreaterThan(0)
    expect(held - before).toBeLessThan(64 * 1024 * 1024)
  }, 60_000)

  it('of 200 columns is loaded whole', async () => {
    const lines = Array.from({ length: 2000 }, () => '1,'.repeat(199).concat('2'))
    const text = [Array.from({ length: 200 }, (_, n) => `c${n}`).join(','), ...lines].join('\n')
    const table = await desk.forCaller('wide').importCsv({ url: host.url(text), name: 'wide', fetch })
    expect(table.rows).toBe(2000)
    expect(new Set(table.columns.map(({ type }) => type))).toEqual(new Set(['BIGINT']))
  })

  it('has cells of 65,536 characters', async () => {
    const text = `a,b\n${'x'.repeat(65_536)},1\n`
    await desk.forCaller('long').importCsv({ url: host.url(text), name: 'long_cells', fetch })
    const { rows } = await desk.forCaller('long').query('SELECT length(a) AS n FROM long_cells')
    expect(rows).toEqual([{ n: 65_536 }])
  })
})

// The process in which statements run. It knows one file, answers one question at a time, and ends with its server.
import { Socket } from 'node:net'
import { isMainThread, Worker } from 'node:worker_threads'
import { type Connection, cellOf, connect, type Running } from './drivers.js'
import { type Answer, type Portion, type Question, rowTooLarge } from './reader-messages.js'
import { SqliteError } from './sqlite-error.js'
import { bytesOf, type Cell } from './statement.js'

/** A descriptor that the server holds the other end of. */
const lifeline = 4

interface Current {
  readonly running: Running
  readonly portion: Portion
  readonly rowBytes: number
  /** Whether how much it changed is told with its last row. */
  readonly counts: boolean
}

let opened: Connection | undefined
let current: Current | undefined
let writes = false

if (isMainThread) {
  // A statement that runs keeps this thread from hearing that the server is gone; another thread hears it.
  new Worker(new URL(import.meta.url), {
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  }).unref()
  process.on('disconnect', () => process.exit())
  // Ctrl+C reaches every process of a terminal; the server decides when its readers end, which is after its calls.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('message', (question: Question) => {
    void answer(question).then((said) => said !== undefined && process.send?.(said))
  })
} else {
  const socket = new Socket({ fd: lifeline, readable: true })
  socket.on('error', () => {})
  socket.on('close', () => process.kill(process.pid, 'SIGKILL'))
  socket.resume()
}

async function answer(question: Question): Promise<Answer | undefined> {
  try {
    switch (question.ask) {
      case 'begin': {
        opened = await connect(question.setup)
        writes = question.setup.writes
        return { is: 'ready', driver: opened.driver, version: versionOf(opened) }
      }
      case 'run':
        return begin(question)
      case 'more':
        return portion()
      case 'stop':
        stop()
        return { is: 'stopped' }
      case 'end':
        stop()
        opened?.close()
        process.disconnect()
        return undefined
    }
  } catch (error) {
    current = undefined
    return failure(error)
  }
}

function begin({ statement, portion: limit, rowBytes }: Extract<Question, { ask: 'run' }>): Answer {
  if (opened === undefined) throw new SqliteError('Nothing was opened.')
  // Within a transaction a result may have been too large, and drivers run nothing beside a statement that is open.
  stop()
  const running = opened.run(statement)
  const counts = writes && /^(?:INSERT|UPDATE|DELETE|REPLACE|WITH)$/.test(statement.command)
  current = { running, portion: limit, rowBytes, counts }
  return { ...portion(), columns: running.columns }
}

function portion(): Extract<Answer, { is: 'rows' }> {
  if (current === undefined || opened === undefined) throw new SqliteError('No statement is running.')
  const { running, portion: limit, rowBytes, counts } = current
  const rows: Cell[][] = []
  let bytes = 0
  while (rows.length < limit.rows && bytes < limit.bytes) {
    const row = running.next()?.map(cellOf)
    if (row === undefined) {
      current = undefined
      return { is: 'rows', rows, bytes, isLast: true, ...(counts && changesOf(opened)) }
    }
    const size = row.reduce<number>((sum, cell) => sum + bytesOf(cell), 0)
    if (size > rowBytes) {
      stop()
      throw new SqliteError(`A row has ${size} bytes.`, rowTooLarge)
    }
    rows.push(row)
    bytes += size
  }
  return { is: 'rows', rows, bytes, isLast: false }
}

function stop(): void {
  current?.running.stop()
  current = undefined
}

function changesOf(connection: Connection): { changes: number; lastInsertId: number | bigint } {
  const [changes, lastInsertId] = one(connection, 'SELECT changes(), last_insert_rowid()')
  return { changes: Number(changes), lastInsertId: cellOf(lastInsertId) as number | bigint }
}

function versionOf(connection: Connection): string {
  return String(one(connection, 'SELECT sqlite_version()')[0])
}

function one(connection: Connection, text: string): readonly unknown[] {
  const running = connection.run({ text, values: [], command: 'SELECT' })
  const row = running.next() ?? []
  running.stop()
  return row
}

function failure(error: unknown): Answer {
  const { message, code, errstr } = error as { message?: unknown; code?: unknown; errstr?: unknown }
  const known = typeof code === 'string' && code !== 'ERR_SQLITE_ERROR' ? code : undefined
  return {
    is: 'failed',
    message: String(message),
    code: known ?? (typeof errstr === 'string' ? codeOf(errstr) : 'SQLITE_ERROR'),
  }
}

/** Node gives SQLite's sentence in place of its code. */
function codeOf(sentence: string): string {
  if (sentence.includes('readonly')) return 'SQLITE_READONLY'
  if (sentence.includes('locked')) return 'SQLITE_BUSY'
  if (sentence.includes('constraint')) return 'SQLITE_CONSTRAINT'
  if (sentence.includes('memory')) return 'SQLITE_NOMEM'
  return 'SQLITE_ERROR'
}

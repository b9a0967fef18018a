import { describe, expect, it } from 'vitest'
import { readCommand } from './command-line.js'
import { connectHelp, exampleCall, exampleSql } from './connect-help.js'

describe('readCommand', () => {
  it.each([
    [[], {}, { port: 3000 }],
    [[], { PORT: '4000' }, { port: 4000 }],
    [[], { PORT: '' }, { port: 3000 }],
    [['--port', '5000'], { PORT: '4000' }, { port: 5000 }],
    [['--port=0'], {}, { port: 0 }],
    [['--stdio'], { PORT: 'nonsense' }, { port: undefined }],
    [['--data', 'here'], {}, { port: 3000, data: 'here' }],
    [['--auth'], {}, { auth: true }],
    [['--allow-fetch', 'localhost:8080'], {}, { allowFetch: ['localhost:8080'] }],
    [
      ['--allow-fetch=10.0.0.7:80', '--allow-fetch', '[::1]:8080'],
      {},
      { allowFetch: ['10.0.0.7:80', '[::1]:8080'] },
    ],
    [[], {}, { allowFetch: [] }],
  ])('%j with %j', (args, env, expected) => {
    expect(readCommand(args, env)).toMatchObject({ kind: 'serve', ...expected })
  })

  it.each([
    [['--prot', '1'], {}, '--prot'],
    [['-x'], {}, '-x'],
    [['here'], {}, '"here"'],
    [['--port', 'x'], {}, '--port must be a number from 0 to 65535, and is "x".'],
    [['--port', '65536'], {}, '65535'],
    [['--port'], {}, 'needs a value'],
    [['--data', '--stdio'], {}, '--data needs a value'],
    [['--data', 'a', '--data', 'b'], {}, 'twice'],
    [['--stdio=yes'], {}, 'takes no value'],
    [['--allow-fetch'], {}, 'needs a value'],
    [['--allow-fetch', 'localhost'], {}, 'HOST:PORT, such as 127.0.0.1:8080, and is "localhost"'],
    [['--allow-fetch', 'localhost:0'], {}, 'HOST:PORT'],
    [['--allow-fetch', 'localhost:65536'], {}, 'HOST:PORT'],
    [['--allow-fetch', 'http://localhost:80'], {}, 'HOST:PORT'],
    [['--allow-fetch', '::1:80'], {}, 'HOST:PORT'],
    [Array(21).fill('--allow-fetch=a:1'), {}, '20 times, and is given 21'],
    [['--stdio', '--port', '1'], {}, 'not both'],
    [[], { PORT: '-1' }, 'PORT must be'],
  ])('one sentence for %j with %j', (args, env, part) => {
    const command = readCommand(args, env)
    expect(command).toMatchObject({ kind: 'mistake', message: expect.stringContaining(part) })
    expect(command.kind === 'mistake' && command.message).toMatch(/^[^\n]*\.$/)
  })

  it('shows help whatever else is asked', () => {
    expect(readCommand(['--stdio', '-h'], {})).toEqual({ kind: 'help' })
  })
})

describe('what is printed at start', () => {
  it('is a call that a shell passes on whole', () => {
    const call = exampleCall('http://127.0.0.1:3000/mcp', "SELECT 'x'")
    expect(call).toContain(`SELECT '\\''x'\\''`)
    expect(call).toContain("-H 'Mcp-Name: query-dataset'")
  })

  it('asks for data that is there', () => {
    expect(exampleSql(new Map([['order', { sql: '"order"' }]]))).toBe('SELECT * FROM "order" LIMIT 5')
  })

  it('names the address and both ways to connect', () => {
    const help = connectHelp('http://127.0.0.1:3000/mcp', ['main.js', '--stdio'], 'SELECT 1')
    expect(help).toContain('{"mcpServers":{"data-desk":{"type":"http","url":"http://127.0.0.1:3000/mcp"}}}')
    expect(help).toContain('{"mcpServers":{"data-desk":{"command":"node","args":["main.js","--stdio"]}}}')
  })
})

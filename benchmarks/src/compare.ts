/**
 * Compares our server with the raw loop, in the same run and round by round. `npm run bench -- --help` lists what
 * can be narrowed. Figures are medians; a ratio is the median of the ratios of the rounds.
 */
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { ERAS, KINDS } from './requests.js'
import { type Row, renderTable } from './rows.js'
import type { SubjectName } from './subjects.js'
import { coldSuite, httpSuite, manyToolsSuite, type Plan, stdioSuite } from './suites.js'

const help = `Usage: npm run bench -- [options]
  --only http,stdio,cold,tools   which parts (all by default)
  --era 2026-07-28 --kind add    narrow the HTTP part
  --rounds N                     interleaved rounds (5); cold starts take at least 9
  --connections N                keep-alive connections over HTTP (64)
  --scale X                      multiplies the number of requests (1)
  --no-zod                       leave the zod variant out
  --raw-only                     the raw loop alone, to judge the noise of a machine
  --json FILE                    write every row to a file
  --check                        exit with code 1 when a budget does not hold`

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'http,stdio,cold,tools' },
    era: { type: 'string' },
    kind: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '64' },
    scale: { type: 'string', default: '1' },
    'no-zod': { type: 'boolean', default: false },
    'raw-only': { type: 'boolean', default: false },
    json: { type: 'string' },
    check: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function subjects(): SubjectName[] {
  if (values['raw-only']) return ['raw']
  return values['no-zod'] ? ['raw', 'plain'] : ['raw', 'plain', 'zod']
}

function planOf(): Plan {
  const rounds = Number(values.rounds)
  const scaled = (count: number): number => Math.max(100, Math.round(count * Number(values.scale)))
  return {
    rounds,
    coldRounds: Math.max(9, rounds),
    connections: Number(values.connections),
    warmup: 5000,
    requests: { add: scaled(10_000), list: scaled(4000), echo: scaled(1500) },
    calls: scaled(20_000),
    subjects: subjects(),
    full: !values['raw-only'],
    progress: (what) => process.stderr.write(`${what}\n`),
  }
}

async function main(): Promise<number> {
  const plan = planOf()
  const parts = new Set(values.only.split(','))
  const eras = ERAS.filter((era) => values.era === undefined || values.era === era)
  const kinds = KINDS.filter((kind) => values.kind === undefined || values.kind === kind)
  const loadBefore = loadavg()
  const rows: Row[] = []
  if (parts.has('http')) rows.push(...(await httpSuite(plan, eras, kinds)))
  if (parts.has('stdio')) rows.push(...(await stdioSuite(plan)))
  if (parts.has('cold')) rows.push(...(await coldSuite(plan)))
  if (parts.has('tools') && !values['raw-only']) rows.push(...(await manyToolsSuite(plan)))

  const machine = {
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    loadBefore: loadBefore.map((load) => load.toFixed(2)).join(' '),
  }
  process.stdout.write(
    `Node ${machine.node}, ${machine.cores} cores (${machine.cpu}), load before the run ${machine.loadBefore}, ` +
      `${plan.rounds} rounds, ${plan.connections} connections\n\n${renderTable(rows)}\n`,
  )
  const over = rows.filter((row) => row.holds === false)
  const judged = rows.filter((row) => row.holds !== undefined)
  process.stdout.write(`\n${judged.length - over.length} of ${judged.length} budgets hold\n`)
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, rows }, undefined, 2)}\n`)
  return values.check && over.length > 0 ? 1 : 0
}

if (values.help) process.stdout.write(`${help}\n`)
else process.exitCode = await main()

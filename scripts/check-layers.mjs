// npm run check:layers: imports go down only, no import cycles, no way around either.
import { fileURLToPath } from 'node:url'
import { importsOf, isMain, isTest, listFiles, parse, report, resolveRelative } from './source-tree.mjs'

// The house, floor by floor. A folder may import what stands below it, itself, and what `also` names.
// Folders on one floor are strangers to each other. `parts` are folders whose subfolders are strangers too.
const FLOORS = [
  { level: 0, folders: ['contracts', 'errors', 'schema'], also: { schema: ['errors'] } },
  { level: 1, folders: ['protocol', 'telemetry', 'security', 'concurrency'] },
  { level: 2, folders: ['engine'] },
  {
    level: 3,
    folders: [
      'auth',
      'sessions',
      'interaction',
      'subscriptions',
      'tasks',
      'spill',
      'middleware',
      'stores',
      'services',
      'transports',
    ],
    parts: ['transports', 'middleware', 'stores'],
  },
  {
    level: 4,
    folders: ['server', 'node', 'memory', 'worker'],
    also: { node: ['server'], memory: ['server'] },
  },
  { level: 5, folders: ['testing', 'doctor', 'cli'], publicOnly: true },
]
const ROOT_MAY_IMPORT_BELOW = 5
const ROOT_MUST_NOT_IMPORT = ['node']
// No built-in may be named where the code must run on any runtime.
const RUNTIME_NEUTRAL = ['contracts', 'errors', 'schema', 'protocol', 'engine', 'server']
const PACKAGE = /^holdfast(\/|$)/

const PLACES = new Map(FLOORS.flatMap((floor) => floor.folders.map((name) => [name, { name, ...floor }])))

function placeOf(path) {
  return PLACES.get(path.split('/')[1])
}

/** `transports/http/answer.ts` is the part `http` of transports; a file right in transports belongs to all. */
function partOf(path, place) {
  const segments = path.split('/')
  return place.parts?.includes(place.name) && segments.length > 3 ? segments[2] : undefined
}

/** @returns {string | undefined} why `from` may not import `to`, both paths below `src/` */
export function forbiddenEdge(from, to) {
  const target = placeOf(to)
  if (to === 'src/index.ts') return 'the root entry is for users; import the file that has what you need'
  if (target === undefined) return `${to} stands in a folder that no floor lists`
  if (from === 'src/index.ts') {
    const open = target.level < ROOT_MAY_IMPORT_BELOW && !ROOT_MUST_NOT_IMPORT.includes(target.name)
    return open ? undefined : `the root entry must not reach ${target.name}`
  }
  const source = placeOf(from)
  if (source === undefined) return `${from} stands in a folder that no floor lists`
  if (source.name === target.name) {
    const [mine, theirs] = [partOf(from, source), partOf(to, target)]
    if (theirs === undefined || mine === theirs) return undefined
    // A file right in `transports` is the shared ground of its parts and must not stand on one of them.
    return `${source.name}/${mine ?? '*'} must not import ${source.name}/${theirs}`
  }
  if (source.publicOnly) return `${source.name} may use the public entries only, by package name`
  if (source.also?.[source.name]?.includes(target.name)) return undefined
  if (target.level < source.level) return undefined
  return `${source.name} (L${source.level}) must not import ${target.name} (L${target.level})`
}

/** Every import below `src`, read once; tests are left out, they are not shipped. */
export function readGraph(root) {
  const files = listFiles(root, 'src', /\.ts$/).filter((path) => !isTest(path))
  return new Map(files.map((path) => [path, importsOf(parse(root, path))]))
}

/** @returns {string[]} one sentence for each import that goes up, sideways or around */
export function checkDirections(root, graph = readGraph(root)) {
  const problems = []
  for (const [path, imports] of graph) {
    const place = placeOf(path)
    if (place === undefined && path !== 'src/index.ts') problems.push(`${path}: no floor lists this folder`)
    for (const { specifier, kind, line } of imports) {
      const where = `${path}:${line}`
      if (PACKAGE.test(specifier)) {
        if (!place?.publicOnly) problems.push(`${where}: only L5 imports ${specifier} by name`)
      } else if (specifier.startsWith('.')) {
        const target = resolveRelative(root, path, specifier)
        const why =
          target === undefined
            ? `${specifier} is not a file`
            : !target.startsWith('src/')
              ? `${specifier} leads out of src`
              : forbiddenEdge(path, target)
        if (why !== undefined) problems.push(`${where}: ${why}`)
        // The package says it has no side effects, so a bundler drops such an import without a word.
        if (kind === 'bare') problems.push(`${where}: import ${specifier} binds nothing; export a function`)
      } else if (specifier.startsWith('node:')) {
        const neutral = place === undefined || RUNTIME_NEUTRAL.includes(place.name)
        if (neutral && kind !== 'type') problems.push(`${where}: ${specifier} in runtime-neutral code`)
      }
    }
  }
  return problems
}

/** @returns {string[]} one sentence for each group of files that import each other's values in a circle */
export function checkCycles(root, graph = readGraph(root)) {
  const edges = new Map()
  for (const [path, imports] of graph) {
    const targets = imports
      .filter(({ kind }) => kind === 'value' || kind === 'bare')
      .map(({ specifier }) => resolveRelative(root, path, specifier))
      .filter((target) => target !== undefined && graph.has(target))
    edges.set(path, [...new Set(targets)])
  }
  const done = new Set()
  const problems = []
  const visit = (path, trail) => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      problems.push(`import cycle: ${[...trail.slice(at), path].join(' -> ')}`)
      return
    }
    if (done.has(path)) return
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of edges.keys()) visit(path, [])
  return problems
}

/** Examples and benchmarks are users: they get what users get. */
export function checkOutsiders(root) {
  const outsiders = ['examples', 'benchmarks'].flatMap((folder) => listFiles(root, folder, /\.(ts|mjs)$/))
  return outsiders.flatMap((path) =>
    importsOf(parse(root, path))
      .filter(({ specifier }) => resolveRelative(root, path, specifier)?.startsWith('src/'))
      .map(({ specifier, line }) => `${path}:${line}: ${specifier} leads into src; import holdfast by name`),
  )
}

if (isMain(import.meta)) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const graph = readGraph(root)
  const problems = [...checkDirections(root, graph), ...checkCycles(root, graph), ...checkOutsiders(root)]
  report('layers', problems, `${graph.size} files`)
}

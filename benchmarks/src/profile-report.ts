import type { Profiler } from 'node:inspector'

interface Place {
  readonly name: string
  /** `file:line`, shortened; empty for the engine's own entries such as the garbage collector. */
  readonly where: string
  readonly group: string
}

function groupOf(url: string, name: string): string {
  if (url === '') return name.startsWith('(') ? name.slice(1, -1) : 'V8 built-ins'
  if (url.startsWith('node:')) return 'node: modules'
  const own = /\/benchmarks\/dist\/(.+)$/.exec(url)
  if (own !== null) return 'the benchmark itself'
  const dependency = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  if (dependency !== undefined && dependency !== 'holdfast') return `package ${dependency}`
  const folder = /\/dist\/(.+)\/[^/]+$/.exec(url)?.[1]
  return `holdfast ${folder ?? 'root'}`
}

function placeOf({ callFrame }: Profiler.ProfileNode): Place {
  const { functionName, url, lineNumber } = callFrame
  const name = functionName === '' ? '(anonymous)' : functionName
  const short = url.replace(/^file:\/\//, '').replace(/^.*\/(?:dist|node_modules)\//, '')
  return { name, where: url === '' ? '' : `${short}:${lineNumber + 1}`, group: groupOf(url, name) }
}

interface Total {
  readonly place: Place
  self: number
  inclusive: number
}

/** Adds a node's samples to every distinct place on the way to the root, so that recursion counts once. */
function visit(profile: Profiler.Profile, selfMicros: ReadonlyMap<number, number>): Map<string, Total> {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(
    profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])),
  )
  const totals = new Map<string, Total>()
  for (const node of profile.nodes) {
    const micros = selfMicros.get(node.id) ?? 0
    if (micros === 0) continue
    const seen = new Set<string>()
    for (let at: Profiler.ProfileNode | undefined = node; at !== undefined; ) {
      const place = placeOf(at)
      const key = `${place.name} ${place.where}`
      const total = totals.get(key) ?? { place, self: 0, inclusive: 0 }
      if (at === node) total.self += micros
      if (!seen.has(key)) total.inclusive += micros
      seen.add(key)
      totals.set(key, total)
      const parent = parents.get(at.id)
      at = parent === undefined ? undefined : nodes.get(parent)
    }
  }
  return totals
}

function selfTimes(profile: Profiler.Profile): Map<number, number> {
  const micros = new Map<number, number>()
  profile.samples?.forEach((id, index) => {
    // The delta at an index is the time since the sample before it, so it belongs to that one.
    const until = profile.timeDeltas?.[index + 1] ?? 0
    micros.set(id, (micros.get(id) ?? 0) + Math.max(0, until))
  })
  return micros
}

/**
 * Where the time of a profile went: by group of code, by function itself, and by function of ours with all it calls.
 *
 * @param top how many functions each list shows
 */
export function renderProfile(profile: Profiler.Profile, top = 30): string {
  const totals = [...visit(profile, selfTimes(profile)).values()]
  const working = totals.filter(({ place }) => place.name !== '(idle)' && place.name !== '(root)')
  const busy = working.reduce((sum, { self }) => sum + self, 0)
  const share = (micros: number): string => `${((micros / busy) * 100).toFixed(1).padStart(5)}%`
  const lineOf = ({ place }: Total, micros: number): string =>
    `${share(micros)}  ${place.name}  ${place.where}`

  const groups = new Map<string, number>()
  for (const { place, self } of working) groups.set(place.group, (groups.get(place.group) ?? 0) + self)
  const byGroup = [...groups]
    .sort(([, a], [, b]) => b - a)
    .map(([name, micros]) => `${share(micros)}  ${name}`)
  const bySelf = [...working].sort((a, b) => b.self - a.self).slice(0, top)
  const ours = working.filter(
    ({ place }) => place.group.startsWith('holdfast') || place.group.startsWith('package'),
  )
  const byInclusive = ours.sort((a, b) => b.inclusive - a.inclusive).slice(0, top)
  return [
    `busy ${(busy / 1000).toFixed(0)} ms`,
    `\nself time by part\n${byGroup.slice(0, top).join('\n')}`,
    `\nself time by function\n${bySelf.map((total) => lineOf(total, total.self)).join('\n')}`,
    `\nown and package functions with all they call\n${byInclusive.map((total) => lineOf(total, total.inclusive)).join('\n')}`,
  ].join('\n')
}

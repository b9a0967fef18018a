/** Device names, in any case and with any extension (Microsoft, "Naming Files, Paths, and Namespaces"). */
const devices: ReadonlySet<string> = new Set([
  ...['con', 'prn', 'aux', 'nul', 'conin$', 'conout$', 'clock$'],
  ...['1', '2', '3', '4', '5', '6', '7', '8', '9', '¹', '²', '³'].flatMap((n) => [`com${n}`, `lpt${n}`]),
])

/**
 * Why Windows would take a name for something else than a file of that name, or undefined. It is asked on every
 * platform, so that a server answers the same wherever it runs.
 */
export function windowsMeaning(
  name: string,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  const [stem = ''] = name.split(/[.:]/, 1)
  if (devices.has(stem.trimEnd().toLowerCase())) return 'holds the name of a Windows device'
  if (name.includes('::') || name.includes(':$')) return 'names a data stream of a file'
  // `10:30.txt` is an ordinary name elsewhere; only Windows reads a stream in it.
  if (platform === 'win32' && name.includes(':')) return 'names a data stream of a file'
  // Windows drops them, so the name would be another one's. `...` is nobody else's.
  if (name.endsWith(' ')) return 'holds a name that ends with a space'
  if (name.endsWith('.') && !isDots(name)) return 'holds a name that ends with a dot'
  return undefined
}

function isDots(name: string): boolean {
  return name.length >= 3 && name.replaceAll('.', '') === ''
}

import { readdirSync, readFileSync } from 'node:fs'

/** The processes of SQLite that a process, by default this one, has started and that live. Linux only. */
export function readersOf(owner: number = process.pid): number[] {
  return readdirSync('/proc').flatMap((entry) => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const runs = readFileSync(`/proc/${entry}/cmdline`, 'utf8').includes('reader-process')
      return Number(parent) === owner && state !== 'Z' && runs ? [Number(entry)] : []
    } catch {
      return []
    }
  })
}

export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}

/** Hundredths of a second that a process has computed. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[11])
}

export function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** What a promise rejects with. */
export async function failureOf(work: Promise<unknown>): Promise<Error & { code?: string }> {
  return work.then(
    () => new Error('It was done.'),
    (error: Error) => error,
  )
}

import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time that all threads of a process have used so far, in microseconds (Linux). The scheduler counts it in
 * nanoseconds, so a window of a few thousand requests is exact where `process.cpuUsage` counts whole ticks.
 *
 * @returns undefined where /proc/PID/task/TID/schedstat is absent
 */
export function cpuMicros(pid: number): number | undefined {
  let tasks: string[]
  try {
    tasks = readdirSync(`/proc/${pid}/task`)
  } catch {
    return undefined
  }
  let nanos = 0
  for (const task of tasks) {
    try {
      const [onCpu] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')
      nanos += Number(onCpu)
    } catch {
      // The thread ended between the listing and the reading.
    }
  }
  return nanos === 0 ? undefined : nanos / 1000
}

/** Resident memory of a process in bytes (Linux), undefined where /proc is absent. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
  } catch {
    return undefined
  }
}

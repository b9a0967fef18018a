import { spawn } from 'node:child_process'
import { answerFault, FIRST_ID, type Kind, requestBody } from './requests.js'
import { cpuMicros } from './server-cpu.js'
import { onCore, type SubjectName, stopChild, subjectCommand, subjectEnv } from './subjects.js'

export interface ColdStart {
  /** From the call of spawn to the last byte of the right answer. */
  readonly wallMs: number
  /** CPU of the process until then; absent off Linux. */
  readonly cpuMs?: number
}

/**
 * Starts a subject over stdio with its first request already in the pipe and waits for the answer.
 *
 * @param kind what is asked first: `list` or `add`
 * @throws Error when the first line is not the right answer or none comes within 20 seconds
 */
export async function coldStart(
  name: SubjectName,
  kind: Kind,
  args: readonly string[] = [],
): Promise<ColdStart> {
  const [program, ...rest] = onCore(0, subjectCommand(name, ['--stdio', ...args]))
  const started = performance.now()
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'ignore'], env: subjectEnv() })
  child.stdin.write(`${requestBody(kind, '2026-07-28', FIRST_ID, '')}\n`)
  try {
    const line = await new Promise<string>((resolve, reject) => {
      let output = ''
      const timer = setTimeout(
        () => reject(new Error(`${name} did not answer ${kind} within 20 seconds.`)),
        20_000,
      )
      child.once('exit', () => {
        clearTimeout(timer)
        reject(new Error(`${name} ended before it answered ${kind}.`))
      })
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        const end = output.indexOf('\n')
        if (end === -1) return
        clearTimeout(timer)
        resolve(output.slice(0, end))
      })
    })
    const wallMs = performance.now() - started
    const micros = child.pid === undefined ? undefined : cpuMicros(child.pid)
    const fault = answerFault(kind, FIRST_ID, '', line)
    if (fault !== undefined) throw new Error(`${name} answered its first ${kind} wrongly: ${fault}`)
    return { wallMs, ...(micros === undefined ? {} : { cpuMs: micros / 1000 }) }
  } finally {
    child.removeAllListeners('exit')
    await stopChild(child)
  }
}

import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessSeen {
  pid: number
  argv: string[]
}

/** Living processes (no zombies) whose environment or arguments satisfy `of`. */
export function processes(of: (process: ProcessSeen & { environment: string[] }) => boolean): ProcessSeen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const split = (file: string) =>
          readFileSync(`/proc/${name}/${file}`, 'utf8').split('\0').filter(Boolean)
        const seen = { pid: Number(name), argv: split('cmdline'), environment: split('environ') }
        // A zombie has no command line.
        return seen.argv.length > 0 && of(seen) ? [{ pid: seen.pid, argv: seen.argv }] : []
      } catch {
        return [] // gone meanwhile, or not ours
      }
    })
}

/** Everything that runs for a job: the training process and whatever it started. The shim is told apart. */
export function processesOfJob(jobId: string): ProcessSeen[] {
  return processes(({ environment }) => environment.includes(`TRAINSTOP_JOB_ID=${jobId}`))
}

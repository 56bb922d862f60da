/**
 * Watches ten thousand jobs of the real training server through one connection, and prints how long it takes until all
 * are known, what they take of memory on both sides, and how long a cancel takes to be shown among them.
 * `npm run bench -- sdk-ten-thousand [-- --jobs 10000]`.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  cancelJob,
  createTrainingClient,
  http,
  type JobsUpdate,
  type TrainingClient,
  watchJobs,
} from '../../packages/sdk/src'
import { processes } from '../processes'
import { root, TrainingStack } from '../training-stack'

const { values } = parseArgs({ options: { jobs: { type: 'string', default: '10000' } } })
const count = Number(values.jobs)
if (!Number.isInteger(count) || count < 1 || count > 10_000) {
  console.error(`--jobs takes a whole number from 1 to 10000, not "${values.jobs}".`)
  process.exit(1)
}
const cancels = Math.min(50, count)

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const stack = await TrainingStack.prepare()
try {
  const store = join(stack.data, 'server', 'trainstop.db')
  const python = join(root, '.venv', 'bin', 'python')
  execFileSync(python, [join(root, 'packages/python-bridge/bench/_fill_jobs.py'), store, String(count)], {
    stdio: 'inherit',
  })
  await stack.startServer()
  const jobIds = Array.from({ length: count }, (_, i) => `job_${i.toString(16).padStart(16, '0')}`)
  const requests: string[] = []
  const client = createTrainingClient({
    transport: http({
      url: stack.serverUrl,
      headers: () => stack.authorization,
      fetch(input, init) {
        requests.push(`${init?.method} ${new URL(String(input)).pathname}`)
        return fetch(input, init)
      },
    }),
  })
  // What the first connection costs is not what ten thousand jobs cost.
  await watched(client, jobIds.slice(0, 1), async () => {})

  const serverBefore = { kib: serverKib(), cpu: serverCpuSeconds() }
  const clientBefore = clientBytes()
  const cpuBefore = process.cpuUsage()
  requests.length = 0
  const begun = performance.now()
  const latencies = await watched(client, jobIds, async (cancelled) => {
    const seconds = (performance.now() - begun) / 1000
    const { user, system } = process.cpuUsage(cpuBefore)
    const ours = ((user + system) / 1e6).toFixed(1)
    const theirs = (serverCpuSeconds() - serverBefore.cpu).toFixed(1)
    console.log(
      `${count} jobs, all known after ${seconds.toFixed(1)} s (CPU: client ${ours} s, server ${theirs} s)`,
    )
    console.log(`requests: ${[...new Set(requests)].join(', ')} (${requests.length})`)
    const perJob = (clientBytes() - clientBefore) / count / 1024
    console.log(`memory each: client ${perJob.toFixed(1)} KiB of heap (the job itself is in it), server`)
    console.log(`             ${((serverKib() - serverBefore.kib) / count).toFixed(1)} KiB of private memory`)
    const milliseconds: number[] = []
    for (let i = 0; i < cancels; i++) {
      const jobId = jobIds[Math.floor((i * count) / cancels)] ?? ''
      const from = performance.now()
      const shown = cancelled(jobId)
      const result = await cancelJob(client, { jobId })
      if (!result.ok) throw result.error
      await shown
      milliseconds.push(performance.now() - from)
    }
    return milliseconds
  })
  const sorted = latencies.toSorted((a, b) => a - b)
  const at = (q: number) => sorted[Math.ceil(q * sorted.length) - 1]?.toFixed(0)
  console.log(
    `from Stop to "cancelled" shown, among all: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, max ${at(1)} ms`,
  )
} finally {
  await stack.end()
}

/** Watches these jobs; calls `then` once a snapshot of each is there, and stops watching after it. */
async function watched<T>(
  client: TrainingClient,
  jobIds: string[],
  then: (cancelled: (jobId: string) => Promise<void>) => Promise<T>,
): Promise<T> {
  const unknown = new Set(jobIds)
  const waiting = new Map<string, () => void>()
  let leave = () => {}
  try {
    await new Promise<void>((resolve, reject) => {
      leave = watchJobs(client, {
        jobIds,
        onUpdate({ jobId, job, error }: JobsUpdate) {
          if (error) return reject(error)
          if (job && unknown.delete(jobId) && unknown.size === 0) resolve()
          if (job?.status === 'cancelled') waiting.get(jobId)?.()
        },
        onJobEnd: (jobId, error) =>
          error && reject(new Error(`${jobId} can't be watched.`, { cause: error })),
      })
    })
    return await then((jobId) => new Promise((resolve) => waiting.set(jobId, resolve)))
  } finally {
    leave()
  }
}

function clientBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function serverPid(): number {
  const [server] = processes(
    ({ argv }) => argv.includes('serve') && argv.includes(join(stack.data, 'server')),
  )
  if (!server) throw new Error('The training server is not running.')
  return server.pid
}

function serverKib(): number {
  const lines = readFileSync(`/proc/${serverPid()}/smaps_rollup`, 'utf8').matchAll(
    /^Private_\w+: +(\d+) kB/gm,
  )
  return [...lines].reduce((sum, [, kib]) => sum + Number(kib), 0)
}

function serverCpuSeconds(): number {
  const fields = readFileSync(`/proc/${serverPid()}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

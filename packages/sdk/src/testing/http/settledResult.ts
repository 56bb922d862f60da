import type { ControlResult, MockJobs } from '../mock/mockJobs'
import type { Received } from './received'

const longestWaitSeconds = 60

/** `Prefer: wait=N`: the result once its command has ended or the time is up. `waited`: N, null where nobody asked. */
export async function settledResult(
  jobs: MockJobs,
  { headers, signal }: Received,
  result: ControlResult,
): Promise<{ result: ControlResult; waited: number | null }> {
  const match = /(?:^|[,;])\s*wait\s*=\s*"?([0-9]{1,6})"?\s*(?=$|[,;])/i.exec(headers.get('prefer') ?? '')
  if (!match) return { result, waited: null }
  const waited = Math.min(Number(match[1]), longestWaitSeconds)
  const about = result.command
  if (!about || waited === 0) return { result, waited }
  const now = (): ControlResult => {
    const command = jobs.record(about.job_id).commands.find(({ id }) => id === about.id) ?? about
    return { ...result, command: structuredClone(command), job: jobs.job(result.job.id) }
  }
  const settled = await new Promise<ControlResult>((resolve) => {
    const finish = () => {
      leave()
      cancel()
      signal?.removeEventListener('abort', finish)
      resolve(now())
    }
    const look = () => {
      if (now().command?.status !== 'active') finish()
    }
    const leave = jobs.listen(about.job_id, look)
    const cancel = jobs.clock.setTimer(finish, waited * 1000)
    signal?.addEventListener('abort', finish)
    look()
  })
  return { result: settled, waited }
}

import { wireJobAnswer, wireJobsAnswer } from '../../protocol/schemas/answer'
import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'

/** Somebody else's job is no job, on every call. */
export function ownerChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const { owners, start } = server
  if (!owners || !start) return []
  const { mine, theirs } = owners
  return [
    {
      name: "somebody else's job is the same 404 as no job, on every call",
      run: async () => {
        const asking = { body: start.request, headers: theirs, status: 201 }
        const { job } = await talk.read(wireJobAnswer, '/jobs', asking)
        try {
          const sentences = new Set<string>()
          for (const id of [job.id, 'job_nobody_knows']) {
            const refused = async (path: string, body?: object) => {
              const wanted = { status: 404, code: 'job_not_found' }
              const error = await talk.refused(path, { headers: mine, ...(body && { body }) }, wanted)
              sentences.add(error.error)
            }
            for (const action of ['cancel', 'pause', 'resume'])
              await refused(`/local/${id}/control`, { action })
            for (const rest of ['', '/events', '/metrics', '/logs', '/checkpoints', '/commands'])
              await refused(`/jobs/${id}${rest}`)
          }
          mustEqual(sentences.size, 1, 'nobody learns whether somebody else has such a job')
          const listed = await talk.read(wireJobsAnswer, '/jobs?limit=200', { headers: mine })
          must(!listed.jobs.some(({ id }) => id === job.id), 'it is not listed')
          const seen = await talk.job(job.id, theirs)
          // Its status may have changed by itself: it may have begun to run meanwhile.
          mustEqual([seen.command, seen.last_command], [null, null], 'and nothing was asked of it')
        } finally {
          await server.release?.(job.id)
        }
      },
    },
  ]
}

import type { Command } from '../../protocol'
import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

type Times = Pick<Command, 'wait_until' | 'term_at' | 'deadline'>

const seconds = (from: string, to: string | null | undefined) =>
  (Date.parse(to ?? '') - Date.parse(from)) / 1000
const timesOf = ({ wait_until = null, term_at, deadline }: Command): Times => ({
  wait_until,
  term_at,
  deadline,
})

/** When a command must have ended, and that nobody can put it off. */
export function deadlineChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const asked = async (jobId: string, body: { action: string } & Record<string, unknown>) => {
    const { command } = await talk.control(jobId, body)
    must(command, 'it is a command')
    return command
  }
  return [
    {
      name: 'a stop has the grace that it asks for, and SIGTERM at three quarters of it',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const command = await asked(jobId, { action: 'cancel', grace_seconds: 400 })
          const { created_at, term_at, deadline, wait_until = null } = command
          mustEqual([seconds(created_at, term_at), seconds(created_at, deadline)], [300, 400], 'its times')
          mustEqual(wait_until, null, 'it waits for nothing')
        }),
    },
    {
      name: 'a stop that waits has its grace after the wait',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const wish = { action: 'cancel', mode: 'epoch', wait_seconds: 100, grace_seconds: 40 }
          const { created_at, wait_until, term_at, deadline } = await asked(jobId, wish)
          const times = [wait_until, term_at, deadline].map((time) => seconds(created_at, time))
          mustEqual(times, [100, 130, 140], 'its times')
        }),
    },
    {
      name: 'a pause has a deadline at which it expires, and kills nobody',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const { created_at, term_at, deadline } = await asked(jobId, {
            action: 'pause',
            grace_seconds: 400,
          })
          mustEqual([term_at, seconds(created_at, deadline)], [null, 400], 'its times')
        }),
    },
    {
      name: 'a stop under way is only ever hastened',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          const first = await asked(jobId, {
            ...{ action: 'cancel', mode: 'checkpoint', wait_seconds: 1000, grace_seconds: 100 },
          })
          const later = { wait_seconds: 5000, grace_seconds: 5000 }
          for (const mode of ['checkpoint', 'graceful', 'epoch', 'force']) {
            const before = await talk.command(jobId, first.id)
            const after = await asked(jobId, { action: 'cancel', mode, ...later })
            mustEqual(after.id, first.id, 'it is the same command')
            for (const name of ['term_at', 'deadline'] as const)
              must(
                Date.parse(after[name] ?? '') <= Date.parse(before[name] ?? ''),
                `asked for ${mode} with more time, its ${name} became later`,
              )
            const stays = mode === 'checkpoint' || mode === 'epoch'
            if (stays) mustEqual(timesOf(after), timesOf(before), `asked for ${mode}, its times stay`)
            else mustEqual([after.mode, after.wait_until ?? null], [mode, null], 'it has become more urgent')
          }
        }),
    },
  ]
}

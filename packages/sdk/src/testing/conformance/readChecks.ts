import * as answers from '../../protocol/schemas/answer'
import type { Conversation } from './conversation'
import { must, mustEqual } from './expectation'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { withJob } from './withJob'

/** Every call that only reads. */
export function readChecks(server: ServerUnderTest, talk: Conversation): ConformanceCheck[] {
  const ofARun = (name: string, check: (jobId: string) => Promise<void>): ConformanceCheck => ({
    name,
    run: () => withJob(server, 'running', check),
  })
  return [
    {
      name: 'capabilities and health are told',
      run: async () => {
        const { protocol } = await talk.read(answers.capabilitiesAnswer, '/capabilities')
        mustEqual(protocol, 1, 'the version of the protocol')
        const health = await talk.read(answers.healthAnswer, '/health')
        mustEqual([health.live, health.ready], [true, true], 'it is ready')
      },
    },
    ofARun('a job has an ETag that changes with its status alone, and is not told twice', async (jobId) => {
      const first = await talk.ask(`/jobs/${jobId}`)
      const etag = first.headers.get('etag')
      mustEqual(etag, `"${(await talk.job(jobId)).status_version}"`, 'the ETag')
      const known = await talk.ask(`/jobs/${jobId}`, { headers: { 'if-none-match': `W/${etag}` } })
      mustEqual(known.status, 304, 'what is known is not told again')
      await talk.control(jobId, { action: 'cancel' })
      const changed = await talk.ask(`/jobs/${jobId}`, { headers: { 'if-none-match': etag ?? '' } })
      mustEqual(changed.status, 200, 'what has changed is')
    }),
    ofARun('jobs are listed newest first, by pages and by status', async (first) => {
      const second = await server.stages.running?.()
      must(second, 'a second job runs')
      try {
        const page = await talk.read(answers.wireJobsAnswer, '/jobs?limit=1')
        mustEqual(page.jobs[0]?.id, second, 'the newest is first')
        must(page.next_cursor, 'there is more')
        const next = await talk.read(answers.wireJobsAnswer, `/jobs?limit=1&cursor=${page.next_cursor}`)
        mustEqual(next.jobs[0]?.id, first, 'then the one before')
        const running = await talk.read(answers.wireJobsAnswer, '/jobs?status=running&limit=200')
        must(
          running.jobs.some(({ id }) => id === first) && running.jobs.some(({ id }) => id === second),
          'both run',
        )
        const over = await talk.read(answers.wireJobsAnswer, '/jobs?status=completed,failed&limit=200')
        must(!over.jobs.some(({ id }) => id === first || id === second), 'and are not over')
      } finally {
        await server.release?.(second)
      }
    }),
    {
      name: 'a query that makes no sense is refused, with its name',
      run: () =>
        withJob(server, 'running', async (jobId) => {
          for (const [path, field] of [
            ['/jobs?limit=0', 'limit'],
            ['/jobs?limit=x', 'limit'],
            ['/jobs?cursor=nonsense', 'cursor'],
            ['/jobs?status=sleeping', 'status'],
            [`/jobs/${jobId}/metrics?max_points=1`, 'max_points'],
            [`/jobs/${jobId}/logs?limit=1`, 'limit'],
            [`/jobs/${jobId}/logs?attempt=0`, 'attempt'],
          ] as const)
            await talk.refused(path, {}, { status: 422, code: 'invalid_request', field })
          const noAttempt = { status: 404, code: 'not_found', field: 'attempt' }
          await talk.refused(`/jobs/${jobId}/logs?attempt=9`, {}, noAttempt)
        }),
    },
    ofARun('commands are listed newest first, and each can be read', async (jobId) => {
      const paused = await talk.control(jobId, { action: 'pause', note: 'one' })
      const cancelled = await talk.control(jobId, { action: 'cancel', note: 'two' })
      const { commands } = await talk.read(answers.commandsAnswer, `/jobs/${jobId}/commands`)
      mustEqual(
        commands.map(({ id }) => id),
        [cancelled.command?.id, paused.command?.id],
        'newest first',
      )
      const first = await talk.command(jobId, paused.command?.id ?? '')
      mustEqual([first.note, first.status], ['one', 'superseded'], 'the one that gave way')
      const unknown = `/jobs/${jobId}/commands/cmd_nobody_knows`
      await talk.refused(unknown, {}, { status: 404, code: 'not_found' })
    }),
    ofARun('checkpoints on the disk are listed, and the job tells the last', async (jobId) => {
      const { checkpoints } = await talk.read(answers.checkpointsAnswer, `/jobs/${jobId}/checkpoints`)
      const job = await talk.job(jobId)
      must(checkpoints.length > 0, 'it has saved')
      mustEqual(job.last_checkpoint, checkpoints[0], 'the last')
      must(
        checkpoints.every(({ verified }) => verified),
        'all verified',
      )
    }),
    ofARun(
      'metrics are columns of one length, up to a seq, and fewer where fewer are asked for',
      async (jobId) => {
        const { columns, seq } = await talk.read(answers.metricsAnswer, `/jobs/${jobId}/metrics`)
        const rows = columns.step.length
        must(rows > 0, 'it has logged')
        const lengths = [
          columns.attempt,
          columns.epoch,
          columns.elapsed_seconds,
          ...Object.values(columns.values),
        ]
        must(
          lengths.every(({ length }) => length === rows),
          'all columns are of one length',
        )
        must(seq <= (await talk.job(jobId)).seq, 'the seq is one of the job')
        const few = await talk.read(answers.metricsAnswer, `/jobs/${jobId}/metrics?max_points=2`)
        mustEqual(few.columns.step[0], columns.step[0], 'the first row stays')
        mustEqual(few.columns.step.at(-1), columns.step.at(-1), 'the last row stays')
      },
    ),
    ofARun('a log is read by bytes, from either end, and goes on where a piece ended', async (jobId) => {
      const whole = await talk.read(answers.logsAnswer, `/jobs/${jobId}/logs`)
      must(whole.size > 8, 'it has printed something')
      mustEqual([whole.offset, whole.attempt], [0, 1], 'from the beginning')
      const piece = await talk.read(answers.logsAnswer, `/jobs/${jobId}/logs?limit=4`)
      const rest = await talk.read(answers.logsAnswer, `/jobs/${jobId}/logs?offset=${piece.next_offset}`)
      mustEqual(`${piece.text}${rest.text}`.startsWith(whole.text), true, 'two pieces are the whole')
      const tail = await talk.read(answers.logsAnswer, `/jobs/${jobId}/logs?offset=-4`)
      must(tail.offset >= tail.size - 4 && tail.next_offset === tail.size, 'the last bytes')
      const beyond = await talk.read(answers.logsAnswer, `/jobs/${jobId}/logs?offset=${tail.size + 1000}`)
      mustEqual([beyond.offset, beyond.text], [beyond.size, ''], 'beyond the end is the end')
    }),
  ]
}

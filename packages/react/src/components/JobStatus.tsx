import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import { classes } from './classes'
import { JobStatusMark } from './JobStatusMark'

export interface JobStatusProps {
  jobId: string
  className?: string | undefined
}

/** A job's status in a word, announced politely when it changes. A status of a newer server shows as it is. */
export function JobStatus({ jobId, className }: JobStatusProps) {
  const messages = useMessages()
  const { status, raw, health, error } = useTrainingJob(jobId, {
    select: ({ job, status, error }) => ({
      status,
      raw: job?.raw_status,
      health: job?.health,
      error: job ? null : error?.message,
    }),
  })
  return (
    <span
      className={classes('trainstop-root trainstop-status', className)}
      role="status"
      data-status={raw ?? 'loading'}
      data-health={health}
    >
      {error ? error : <JobStatusMark status={status} raw={raw} health={health} />}
      {!status && !error && messages.status.loading}
    </span>
  )
}

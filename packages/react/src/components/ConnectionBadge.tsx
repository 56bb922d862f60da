import { useNow } from '../hooks/useNow'
import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import type { TrainingJob } from '../state/jobStore'
import { classes } from './classes'

export interface ConnectionBadgeProps {
  jobId: string
  className?: string | undefined
}

type State = 'connecting' | 'live' | 'polling' | 'reconnecting' | 'stale' | 'ended'

/** How fresh what is shown is, in words. */
export function ConnectionBadge({ jobId, className }: ConnectionBadgeProps) {
  const messages = useMessages()
  const { state, lastEventAt } = useTrainingJob(jobId, {
    select: (training) => {
      const state = stateOf(training)
      return { state, lastEventAt: state === 'stale' ? training.connection.lastEventAt : null }
    },
  })
  const now = useNow(state === 'stale')
  const ago =
    lastEventAt === null
      ? null
      : messages.ago(messages.duration(Math.max(0, Math.round((now - lastEventAt) / 1000))))
  return (
    <span
      className={classes('trainstop-root trainstop-connection', className)}
      role="status"
      data-state={state}
    >
      <span className="trainstop-connection-mark" aria-hidden="true" />
      {state === 'stale' ? messages.connection.stale(ago) : messages.connection[state]}
    </span>
  )
}

function stateOf({ connection, isEnded, isLoading }: TrainingJob): State {
  if (isEnded) return 'ended'
  if (connection.stale) return 'stale'
  if (connection.source === 'sse') return 'live'
  if (connection.source === 'polling') return 'polling'
  return isLoading && connection.attempt === 0 ? 'connecting' : 'reconnecting'
}

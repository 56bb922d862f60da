import type { StopMode } from '@trainstop/sdk'
import { useNow } from '../hooks/useNow'
import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import { Icon, type IconName } from './Icon'
import { stopConsequences } from './stopConsequences'

const icons: Record<'kept' | 'lost' | 'neutral' | 'warning', IconName> = {
  kept: 'done',
  lost: 'failed',
  neutral: 'not_reached',
  warning: 'warning',
}

/** What a stop would keep and lose, as of now. */
export function Consequences({
  jobId,
  mode,
  id,
  first,
}: {
  jobId: string
  mode: StopMode
  id: string
  first?: string
}) {
  const messages = useMessages()
  const now = useNow()
  const { job } = useTrainingJob(jobId)
  if (!job) return null
  const lines = stopConsequences(job, mode, now, messages)
  return (
    <>
      <p className="trainstop-dialog-run">{job.name}</p>
      <div id={id} className="trainstop-dialog-text">
        {first !== undefined && (
          <p className="trainstop-dialog-line" data-tone="lost">
            <Icon name="warning" />
            <span>{first}</span>
          </p>
        )}
        {lines.map(({ tone, text }) => (
          <p key={text} className="trainstop-dialog-line" data-tone={tone}>
            <Icon name={icons[tone]} />
            <span>{text}</span>
          </p>
        ))}
      </div>
    </>
  )
}

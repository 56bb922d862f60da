import type { Job, JobStatus } from '@trainstop/sdk'
import { useMessages } from '../provider/useMessages'

/** The mark and the words of a status, without a live region, for lists. */
export function JobStatusMark({
  status,
  raw = '',
  health,
}: {
  status: JobStatus | undefined
  raw?: string | undefined
  health?: Job['health'] | undefined
}) {
  const messages = useMessages()
  if (!status) return null
  const worry =
    health === 'unresponsive' || health === 'unsupervised'
      ? messages.health[health as 'unresponsive' | 'unsupervised']
      : null
  const isOver = status === 'completed' || status === 'cancelled' || status === 'failed'
  return (
    <>
      <span className="trainstop-status-mark" aria-hidden="true" />
      <span className="trainstop-status-word">
        {status === 'unknown' ? messages.status.unknown(raw) : messages.status[status]}
      </span>
      {worry && !isOver && <span className="trainstop-status-health">{`(${worry})`}</span>}
    </>
  )
}

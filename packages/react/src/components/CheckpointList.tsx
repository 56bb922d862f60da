import type { Checkpoint } from '@trainstop/sdk'
import { Fragment, type ReactNode, useState } from 'react'
import { formatBytes } from '../format/bytes'
import { formatCount } from '../format/count'
import { formatMetric } from '../format/metric'
import { secondsBetween } from '../format/time'
import { useCheckpoints } from '../hooks/useCheckpoints'
import { useNow } from '../hooks/useNow'
import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import { ControlButton } from './ControlButton'
import { classes } from './classes'
import { ErrorMessage } from './ErrorMessage'
import { Icon } from './Icon'

export interface CheckpointListProps {
  jobId: string
  /** How many to show before one asks for all. Default 5. */
  initialCount?: number | undefined
  className?: string | undefined
  /** What to show at the end of a row, such as `(c) => <ResumeTrainingButton jobId={c.job_id} from={c.id} />`. */
  renderActions?: ((checkpoint: Checkpoint) => ReactNode) | undefined
}

/** The checkpoints of a run, newest first, each with what is known of it. */
export function CheckpointList({ jobId, initialCount = 5, className, renderActions }: CheckpointListProps) {
  const messages = useMessages()
  const { checkpoints, error } = useCheckpoints(jobId)
  const { last, best } = useTrainingJob(jobId, {
    select: ({ job }) => ({ last: job?.last_checkpoint?.id, best: job?.best_checkpoint?.id }),
  })
  const [all, setAll] = useState(false)
  const shown = all ? checkpoints : checkpoints?.slice(0, initialCount)
  const now = useNow(checkpoints !== undefined && checkpoints.length > 0)
  return (
    <div className={classes('trainstop-root trainstop-checkpoints', className)}>
      {error && <ErrorMessage error={error} reading />}
      {checkpoints?.length === 0 && <p className="trainstop-empty">{messages.checkpoints.empty}</p>}
      {checkpoints && checkpoints.length > 0 && (
        <ul className="trainstop-checkpoints-list" aria-label={messages.checkpoints.label}>
          {shown?.map((checkpoint) => (
            <CheckpointRow
              key={`${checkpoint.attempt} ${checkpoint.id}`}
              checkpoint={checkpoint}
              now={now}
              isLast={checkpoint.id === last}
              isBest={checkpoint.id === best}
              actions={renderActions?.(checkpoint)}
            />
          ))}
        </ul>
      )}
      {checkpoints && checkpoints.length > initialCount && (
        <ControlButton part="all" tone="plain" expanded={all} onPress={() => setAll(!all)}>
          {all
            ? messages.checkpoints.showNewest
            : messages.checkpoints.showAll(formatCount(checkpoints.length, messages.locale))}
        </ControlButton>
      )}
    </div>
  )
}

interface RowProps {
  checkpoint: Checkpoint
  now: number
  isLast: boolean
  isBest: boolean
  actions: ReactNode
}

function CheckpointRow({ checkpoint, now, isLast, isBest, actions }: RowProps) {
  const messages = useMessages()
  const { checkpoints: words, locale, duration, ago } = messages
  const { step, verified, problem, reason } = checkpoint
  const metrics = Object.entries(checkpoint.metrics)
  const saved = ago(duration(Math.max(0, Math.round(secondsBetween(checkpoint.saved_at, now)))))
  const facts = [
    formatBytes(checkpoint.bytes, locale),
    words.savedIn(duration(checkpoint.save_seconds)),
    reason === 'scheduled' ? null : ((words.reasons as Record<string, string>)[reason] ?? reason),
    ...metrics.map(([name, value]) => `${name} ${formatMetric(value, locale)}`),
  ].filter((fact) => fact !== null)
  return (
    <li className="trainstop-checkpoint" data-checkpoint={checkpoint.id} data-verified={verified}>
      <span className="trainstop-checkpoint-name">
        {step === null ? words.unknownStep : words.step(formatCount(step, locale))}
        {isLast && <span className="trainstop-tag">{words.last}</span>}
        {isBest && <span className="trainstop-tag">{words.best}</span>}
      </span>
      <span className="trainstop-checkpoint-facts">
        <span className="trainstop-checkpoint-verdict">
          <Icon name={verified ? 'done' : 'failed'} />
          {verified ? words.verified : words.notVerified(problem)}
        </span>
        {' · '}
        <time className="trainstop-checkpoint-fact" dateTime={checkpoint.saved_at}>
          {saved}
        </time>
        {facts.map((fact) => (
          <Fragment key={fact}>
            {' · '}
            <span className="trainstop-checkpoint-fact">{fact}</span>
          </Fragment>
        ))}
      </span>
      {actions != null && <span className="trainstop-checkpoint-actions">{actions}</span>}
    </li>
  )
}

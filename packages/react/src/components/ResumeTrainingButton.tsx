import type { Job } from '@trainstop/sdk'
import { type ReactNode, useRef } from 'react'
import { formatCount } from '../format/count'
import { useResumeJob } from '../hooks/useResumeJob'
import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import { ControlButton, useControlIds } from './ControlButton'
import { classes } from './classes'
import { ErrorMessage } from './ErrorMessage'
import { FocusPlace } from './FocusPlace'
import { Icon } from './Icon'

export interface ResumeTrainingButtonProps {
  jobId: string
  /** `last` (default), `best`, or a checkpoint's id. */
  from?: 'last' | 'best' | (string & {}) | undefined
  icon?: ReactNode
  className?: string | undefined
  /** The job to watch from now on: the same one if it was paused, a new one if it was cancelled or had failed. */
  onResumed?: ((job: Job) => void) | undefined
}

const resumable = new Set(['paused', 'cancelled', 'failed'])

/** Goes on from a checkpoint. Shown where a run is paused, cancelled or failed and there is something to go on from. */
export function ResumeTrainingButton({
  jobId,
  from,
  icon = <Icon name="resume" />,
  className,
  onResumed,
}: ResumeTrainingButtonProps) {
  const messages = useMessages()
  const ids = useControlIds()
  const state = useTrainingJob(jobId, {
    select: ({ job }) =>
      job && {
        status: job.status,
        raw: job.raw_status,
        resume: job.capabilities.resume,
        last: job.last_checkpoint,
        best: job.best_checkpoint,
      },
  })
  const resume = useResumeJob()
  const onItsWay = useRef(false)
  if (!state) return null

  const checkpoint = from === 'best' ? state.best : from === undefined || from === 'last' ? state.last : null
  const step = checkpoint?.step ?? stepIn(from)
  const blocked = state.resume.allowed ? null : (state.resume.reason ?? '')
  function press() {
    if (onItsWay.current) return
    onItsWay.current = true
    resume.mutate(
      { jobId, from },
      {
        onSuccess: ({ job }) => job && onResumed?.(job),
        onSettled: () => {
          onItsWay.current = false
        },
      },
    )
  }
  return (
    <FocusPlace
      className={classes('trainstop-root trainstop-control trainstop-resume', className)}
      phase={resume.isPending ? 'sending' : blocked === null ? 'idle' : 'blocked'}
      gone={!resumable.has(state.status) || (!state.resume.allowed && !state.last)}
      status={state.status}
      raw={state.raw}
    >
      <ControlButton
        part="resume"
        icon={icon}
        busy={resume.isPending}
        blocked={blocked}
        describedBy={blocked ? ids.note : undefined}
        onPress={press}
      >
        {resume.isPending
          ? messages.resume.sending
          : step === null
            ? messages.resume.button
            : messages.resume.fromStep(formatCount(step, messages.locale))}
      </ControlButton>
      {blocked && (
        <p id={ids.note} className="trainstop-control-note">
          {blocked}
        </p>
      )}
      {resume.error && (
        <div className="trainstop-control-error">
          <ErrorMessage error={resume.error} />
        </div>
      )}
    </FocusPlace>
  )
}

/** The step that a checkpoint's id names: `step-00000315` or `step-00000315-2`. */
function stepIn(checkpointId: string | undefined): number | null {
  const step = /^step-(\d+)(-\d+)?$/.exec(checkpointId ?? '')?.[1]
  return step === undefined ? null : Number(step)
}

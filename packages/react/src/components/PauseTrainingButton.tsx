import { type ReactNode, useRef } from 'react'
import { secondsBetween } from '../format/time'
import { useNow } from '../hooks/useNow'
import { usePauseJob } from '../hooks/usePauseJob'
import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import { ControlButton, useControlIds } from './ControlButton'
import { classes } from './classes'
import { ErrorMessage } from './ErrorMessage'
import { FocusPlace } from './FocusPlace'
import { Icon } from './Icon'

export interface PauseTrainingButtonProps {
  jobId: string
  /** Park at a step and keep the GPU. Default false: save, exit and free the GPU. */
  hold?: boolean | undefined
  icon?: ReactNode
  className?: string | undefined
}

/** Pauses a run. Shown while there is something to pause. */
export function PauseTrainingButton({
  jobId,
  hold,
  icon = <Icon name="pause" />,
  className,
}: PauseTrainingButtonProps) {
  const messages = useMessages()
  const ids = useControlIds()
  const state = useTrainingJob(jobId, {
    select: ({ job }) =>
      job && {
        status: job.status,
        raw: job.raw_status,
        pause: job.capabilities.pause,
        command: job.command,
        last: job.last_command,
      },
  })
  const pause = usePauseJob()
  const onItsWay = useRef(false)
  const pausing = state?.status === 'pausing'
  const deadline = pausing && state.command?.action === 'pause' ? state.command.deadline : null
  const now = useNow(deadline !== null)
  if (!state) return null

  const blocked = !pausing && !state.pause.allowed ? (state.pause.reason ?? '') : null
  // A pause that could not be had in time leaves the run as it was; that must not pass in silence.
  const gaveUp =
    state.status === 'running' && state.last?.action === 'pause' && state.last.status !== 'succeeded'
      ? state.last.message
      : null
  const left = deadline === null ? null : Math.max(0, Math.ceil(secondsBetween(now, deadline)))
  const note = blocked || (left === null ? gaveUp : messages.pause.untilDeadline(messages.duration(left)))
  function press() {
    if (onItsWay.current) return
    onItsWay.current = true
    pause.mutate(
      { jobId, hold },
      {
        onSettled: () => {
          onItsWay.current = false
        },
      },
    )
  }
  return (
    <FocusPlace
      className={classes('trainstop-root trainstop-control trainstop-pause', className)}
      phase={pausing ? 'pausing' : pause.isPending ? 'sending' : blocked === null ? 'idle' : 'blocked'}
      gone={!(pausing || state.status === 'pending' || state.status === 'running')}
      status={state.status}
      raw={state.raw}
    >
      <ControlButton
        part="pause"
        icon={icon}
        busy={pausing || pause.isPending}
        blocked={blocked}
        describedBy={note ? ids.note : undefined}
        onPress={press}
      >
        {pausing ? messages.pause.pausing : pause.isPending ? messages.pause.sending : messages.pause.button}
      </ControlButton>
      {note && (
        <p id={ids.note} className="trainstop-control-note">
          {note}
        </p>
      )}
      {pause.error && !pausing && (
        <div className="trainstop-control-error">
          <ErrorMessage error={pause.error} />
        </div>
      )}
    </FocusPlace>
  )
}

import { type StopMode, type StopReason, stopReasons } from '@trainstop/sdk'
import { type ReactNode, useEffect, useState } from 'react'
import { type StopRequest, useStopTraining } from '../hooks/useStopTraining'
import { useMessages } from '../provider/useMessages'
import { ControlButton, useControlIds } from './ControlButton'
import { classes } from './classes'
import { ErrorMessage } from './ErrorMessage'
import { FocusPlace } from './FocusPlace'
import { ForceStopDialog } from './ForceStopDialog'
import { Icon } from './Icon'
import { StopDialog } from './StopDialog'
import { StopUnderWay } from './StopUnderWay'

export interface StopTrainingButtonProps {
  jobId: string
  /** How to stop. Default: the server's, which finishes the step and saves. */
  mode?: StopMode | undefined
  /** The reasons that the dialog offers. Default: all; false asks for none. */
  reasons?: readonly StopReason[] | false | undefined
  /** Default: a red square. */
  icon?: ReactNode
  className?: string | undefined
  /** The server has committed to the stop. It is over when the job's status says so. */
  onAccepted?: (() => void) | undefined
}

/**
 * Stops a run, after asking. Shown in every status that is not final, gone afterwards. What is pending belongs to the
 * button, not to its dialog: closing the dialog loses nothing.
 */
export function StopTrainingButton({
  jobId,
  mode,
  reasons = stopReasons,
  icon = <Icon name="stop" />,
  className,
  onAccepted,
}: StopTrainingButtonProps) {
  const messages = useMessages()
  const ids = useControlIds()
  const training = useStopTraining(jobId)
  const { phase, error } = training
  const [asking, setAsking] = useState<'stop' | 'force' | null>(null)
  const [about, setAbout] = useState<Pick<StopRequest, 'reason' | 'note'>>({})

  // Whoever stopped it, there is nothing left to ask.
  const settled = phase === 'stopping' || phase === 'ended'
  useEffect(() => {
    if (settled) setAsking((open) => (open === 'stop' ? null : open))
  }, [settled])

  if (phase === 'unknown') return null

  async function send(request: StopRequest, dialog: 'stop' | 'force') {
    const accepted = await training.stop(request)
    if (!accepted) return
    setAsking((open) => (open === dialog ? null : open))
    onAccepted?.()
  }
  function ask(dialog: 'stop' | 'force') {
    training.clearError()
    setAsking(dialog)
  }

  const stopping = phase === 'stopping'
  const blocked = phase === 'blocked' ? (training.blockedReason ?? '') : null
  const showsNote = stopping || blocked
  return (
    <FocusPlace
      className={classes('trainstop-root trainstop-control trainstop-stop', className)}
      phase={phase}
      gone={phase === 'ended'}
      status={training.status}
      raw={training.rawStatus}
    >
      <ControlButton
        part="stop"
        tone="danger"
        icon={icon}
        busy={phase === 'sending' || stopping}
        blocked={blocked}
        describedBy={showsNote ? ids.note : undefined}
        onPress={() => ask('stop')}
      >
        {stopping
          ? messages.stop.stopping
          : phase === 'sending'
            ? messages.stop.sending
            : messages.stop.button}
      </ControlButton>
      {blocked && (
        <p id={ids.note} className="trainstop-control-note" data-part="reason">
          {blocked}
        </p>
      )}
      {stopping && (
        <StopUnderWay
          command={training.command}
          ids={ids}
          forceBlocked={training.forceBlockedReason}
          forcing={training.sending?.mode === 'force'}
          onForce={() => ask('force')}
        />
      )}
      {error && asking === null && (
        <div className="trainstop-control-error">
          <ErrorMessage error={error} />
        </div>
      )}
      {asking === 'stop' && !settled && (
        <StopDialog
          jobId={jobId}
          ids={ids}
          mode={mode ?? 'graceful'}
          reasons={reasons || []}
          about={about}
          onAbout={setAbout}
          pending={phase === 'sending'}
          error={error}
          onConfirm={() => void send({ mode, ...about, note: about.note?.trim() || undefined }, 'stop')}
          onDismiss={() => setAsking(null)}
        />
      )}
      {asking === 'force' && (
        <ForceStopDialog
          jobId={jobId}
          ids={ids}
          pending={training.sending?.mode === 'force'}
          error={error}
          onConfirm={() => void send({ mode: 'force' }, 'force')}
          onDismiss={() => setAsking(null)}
        />
      )}
    </FocusPlace>
  )
}

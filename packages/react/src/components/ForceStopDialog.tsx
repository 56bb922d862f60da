import type { TrainingError } from '@trainstop/sdk'
import { useMessages } from '../provider/useMessages'
import { AlertDialog } from './AlertDialog'
import { Consequences } from './Consequences'
import { ControlButton, type useControlIds } from './ControlButton'
import { ErrorMessage } from './ErrorMessage'

export interface ForceStopDialogProps {
  jobId: string
  ids: ReturnType<typeof useControlIds>
  pending: boolean
  error: TrainingError | null
  onConfirm: () => void
  onDismiss: () => void
}

export function ForceStopDialog({ jobId, ids, pending, error, onConfirm, onDismiss }: ForceStopDialogProps) {
  const { force, stop } = useMessages()
  return (
    <AlertDialog
      part="force-dialog"
      titleId={ids.title}
      textId={ids.text}
      title={force.title}
      onDismiss={onDismiss}
      actions={
        <>
          <button
            type="button"
            className="trainstop-button"
            data-part="keep"
            data-safe=""
            onClick={onDismiss}
          >
            {force.keep}
          </button>
          <ControlButton part="confirm" tone="danger" busy={pending} onPress={onConfirm}>
            {pending ? stop.sending : force.confirm}
          </ControlButton>
        </>
      }
    >
      <Consequences jobId={jobId} mode="force" id={ids.text} first={force.explain} />
      {error && <ErrorMessage error={error} />}
    </AlertDialog>
  )
}

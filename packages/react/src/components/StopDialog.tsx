import type { StopMode, StopReason, TrainingError } from '@trainstop/sdk'
import type { StopRequest } from '../hooks/useStopTraining'
import { useMessages } from '../provider/useMessages'
import { AlertDialog } from './AlertDialog'
import { Consequences } from './Consequences'
import { ControlButton, type useControlIds } from './ControlButton'
import { ErrorMessage } from './ErrorMessage'

type About = Pick<StopRequest, 'reason' | 'note'>

export interface StopDialogProps {
  jobId: string
  ids: ReturnType<typeof useControlIds>
  mode: StopMode
  reasons: readonly StopReason[]
  about: About
  onAbout: (about: About) => void
  pending: boolean
  error: TrainingError | null
  onConfirm: () => void
  onDismiss: () => void
}

export function StopDialog({
  jobId,
  ids,
  mode,
  reasons,
  about,
  onAbout,
  pending,
  error,
  onConfirm,
  onDismiss,
}: StopDialogProps) {
  const { stop, reasons: reasonWords } = useMessages()
  return (
    <AlertDialog
      part="stop-dialog"
      titleId={ids.title}
      textId={ids.text}
      title={stop.title}
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
            {stop.keep}
          </button>
          <ControlButton part="confirm" tone="danger" busy={pending} onPress={onConfirm}>
            {pending ? stop.sending : stop.confirm}
          </ControlButton>
        </>
      }
    >
      <Consequences jobId={jobId} mode={mode} id={ids.text} />
      {reasons.length > 0 && (
        <div className="trainstop-fields">
          <label className="trainstop-field">
            <span className="trainstop-field-label">{stop.reasonLabel}</span>
            <select
              className="trainstop-field-control"
              value={about.reason ?? ''}
              onChange={({ target }) =>
                onAbout({ ...about, reason: (target.value || undefined) as StopReason | undefined })
              }
            >
              <option value="">{stop.noReason}</option>
              {reasons.map((reason) => (
                <option key={reason} value={reason}>
                  {reasonWords[reason]}
                </option>
              ))}
            </select>
          </label>
          <label className="trainstop-field">
            <span className="trainstop-field-label">{stop.noteLabel}</span>
            <textarea
              className="trainstop-field-control"
              rows={1}
              maxLength={2000}
              placeholder={stop.notePlaceholder}
              value={about.note ?? ''}
              onChange={({ target }) => onAbout({ ...about, note: target.value })}
            />
          </label>
        </div>
      )}
      {error && <ErrorMessage error={error} />}
    </AlertDialog>
  )
}

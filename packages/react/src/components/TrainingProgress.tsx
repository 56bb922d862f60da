import { formatCount } from '../format/count'
import { useTrainingJob } from '../hooks/useTrainingJob'
import { useMessages } from '../provider/useMessages'
import { classes } from './classes'
import { ProgressBar } from './ProgressBar'

export interface TrainingProgressProps {
  jobId: string
  className?: string | undefined
}

/**
 * Epoch, step, rate and time left, and a bar whose full part is what the last checkpoint has saved. Below it what the
 * server warns of: why the run has not started yet, or that a save does not fit its time.
 */
export function TrainingProgress({ jobId, className }: TrainingProgressProps) {
  const messages = useMessages()
  const words = messages.progress
  const { status, raw, progress, warnings } = useTrainingJob(jobId, {
    select: ({ job, status }) => ({
      status,
      raw: job?.raw_status,
      progress: job?.progress,
      warnings: job?.warnings,
    }),
  })
  if (!progress)
    return <div className={classes('trainstop-root trainstop-progress', className)} data-status="loading" />
  const { epoch, epoch_total, step, step_total, steps_per_second, eta_seconds } = progress
  const moving = status === 'running' || status === 'stopping' || status === 'pausing'
  const pair = (value: number, total: number | null, digits: number) => {
    const shown = formatCount(value, messages.locale, digits)
    return total === null ? shown : words.of(shown, formatCount(total, messages.locale))
  }
  return (
    <div className={classes('trainstop-root trainstop-progress', className)} data-status={raw}>
      <div className="trainstop-progress-readouts">
        {epoch !== null && (
          <span className="trainstop-progress-readout" data-part="epoch">
            <span className="trainstop-progress-name">{words.epoch}</span> {pair(epoch, epoch_total, 1)}
          </span>
        )}
        {step !== null && (
          <span className="trainstop-progress-readout" data-part="step">
            <span className="trainstop-progress-name">{words.step}</span> {pair(step, step_total, 0)}
          </span>
        )}
        {epoch === null && step === null && (
          <span className="trainstop-progress-readout" data-minor="" data-part="step">
            {words.notStarted}
          </span>
        )}
        {moving && steps_per_second !== null && steps_per_second > 0 && (
          <span className="trainstop-progress-readout" data-minor="" data-part="rate">
            {steps_per_second >= 0.995
              ? words.rate(formatCount(steps_per_second, messages.locale, steps_per_second < 100 ? 1 : 0))
              : words.secondsPerStep(formatCount(1 / steps_per_second, messages.locale, 1))}
          </span>
        )}
        {status === 'running' && eta_seconds !== null && (
          <span className="trainstop-progress-readout" data-minor="" data-part="eta">
            {words.eta(messages.duration(Math.round(eta_seconds)))}
          </span>
        )}
      </div>
      <ProgressBar jobId={jobId} />
      {warnings?.map(({ code, message }) => (
        <p key={code} className="trainstop-progress-warning" data-code={code}>
          {message}
        </p>
      ))}
    </div>
  )
}

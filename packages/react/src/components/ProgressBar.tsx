import type { Job } from '@trainstop/sdk'
import type { CSSProperties } from 'react'
import { formatCount } from '../format/count'
import { useTrainingJob } from '../hooks/useTrainingJob'
import type { TrainstopMessages } from '../messages/messages'
import { useMessages } from '../provider/useMessages'

/** A job's bar, live. */
export function ProgressBar({ jobId }: { jobId: string }) {
  const { job } = useTrainingJob(jobId)
  return job ? <ProgressOf job={job} /> : null
}

/** The bar of a job that is at hand. */
export function ProgressOf({ job }: { job: Job }) {
  const messages = useMessages()
  const { value, total, text } = measure(job, messages)
  const moving = job.status === 'running' || job.status === 'stopping' || job.status === 'pausing'
  const saved = job.last_checkpoint?.step ?? null
  const part = total ? Math.min(1, (value ?? 0) / total) : null
  const savedPart =
    job.status === 'completed'
      ? 1
      : part === null || saved === null || !job.progress.step_total
        ? null
        : Math.min(part, saved / job.progress.step_total)
  return (
    <div
      className="trainstop-progress-bar"
      role="progressbar"
      aria-label={messages.progress.label}
      aria-valuemin={0}
      aria-valuemax={total ?? undefined}
      aria-valuenow={part === null ? undefined : (value ?? 0)}
      aria-valuetext={text}
      data-indeterminate={(part === null && moving) || undefined}
      title={
        savedPart !== null && saved !== null
          ? messages.progress.savedUpTo(formatCount(saved, messages.locale))
          : undefined
      }
    >
      {part !== null && (
        <span className="trainstop-progress-fill" style={{ '--_part': part } as CSSProperties} />
      )}
      {savedPart !== null && (
        <span className="trainstop-progress-saved" style={{ '--_part': savedPart } as CSSProperties} />
      )}
    </div>
  )
}

/** Steps where the run counts them, epochs otherwise. */
function measure({ progress }: Job, { progress: words, locale }: TrainstopMessages) {
  const { epoch, epoch_total, step, step_total } = progress
  const said = [
    step !== null &&
      `${words.step} ${step_total === null ? formatCount(step, locale) : words.of(formatCount(step, locale), formatCount(step_total, locale))}`,
    epoch !== null &&
      `${words.epoch} ${epoch_total === null ? formatCount(epoch, locale, 1) : words.of(formatCount(epoch, locale, 1), formatCount(epoch_total, locale))}`,
  ].filter(Boolean)
  const text = said.length > 0 ? said.join(', ') : words.notStarted
  if (step_total) return { value: step, total: step_total, text }
  if (epoch_total) return { value: epoch, total: epoch_total, text }
  return { value: step ?? epoch, total: null, text }
}

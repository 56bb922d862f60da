import type { Job, TrainingEvent } from '../protocol'

/** A job as the event that tells it whole. */
export function snapshotOf(job: Job): TrainingEvent {
  return { ...envelope(job), type: 'job', data: job }
}

export function endOf(job: Job): TrainingEvent {
  return { ...envelope(job), type: 'end', data: { status: job.raw_status } }
}

function envelope({ id, generation, seq, updated_at }: Job) {
  return { job_id: id, generation, seq, at: updated_at }
}

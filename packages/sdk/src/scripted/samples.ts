import { readFileSync } from 'node:fs'
import type { Checkpoint, Command, JobStatus, TrainingEvent, WireJob } from '../protocol'

/** Values of the protocol's own test vectors, so that tests speak of what really travels. */
export function vector<Value>(schema: string): Value {
  const file = new URL(`../../protocol/vectors/${schema}.json`, import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')).valid[0].value
}

const base = vector<WireJob>('Job')

/** A job on the wire: running, nothing under way, seq 1, unless a test says otherwise. */
export function wireJob(
  changes: Partial<Omit<WireJob, 'status'>> & { status?: JobStatus | string } = {},
): WireJob {
  return {
    ...structuredClone(base),
    id: 'job_1',
    status: 'running',
    command: null,
    last_command: null,
    end: null,
    resumed_from: null,
    resumed_as: null,
    generation: 1,
    seq: 1,
    ...changes,
  }
}

export function sampleCommand(changes: Partial<Command> = {}): Command {
  return { ...vector<Command>('Command'), job_id: 'job_1', ...changes }
}

export function sampleCheckpoint(changes: Partial<Checkpoint> = {}): Checkpoint {
  return {
    ...vector<Checkpoint>('Checkpoint'),
    job_id: 'job_1',
    removed_at: null,
    verified: true,
    ...changes,
  }
}

export function jobEvent(changes: Parameters<typeof wireJob>[0] = {}) {
  const job = wireJob(changes)
  return { ...envelope(job.seq), type: 'job', data: job } as const
}

export function metricsEvent(seq: number, step: number) {
  const columns = {
    attempt: [1],
    step: [step],
    epoch: [null],
    elapsed_seconds: [step],
    values: { loss: [0.5] },
  }
  const progress = { ...base.progress, step }
  return { ...envelope(seq), type: 'metrics', data: { progress, latest_metrics: {}, columns } } as const
}

export function endEvent(seq: number, status: string) {
  return { ...envelope(seq), type: 'end', data: { status } } as const
}

export function envelope(seq: number): Pick<TrainingEvent, 'job_id' | 'generation' | 'seq' | 'at'> {
  return { job_id: 'job_1', generation: 1, seq, at: '2026-11-23T18:09:00.123Z' }
}

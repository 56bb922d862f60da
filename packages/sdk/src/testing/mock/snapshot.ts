import type { WireJob } from '../../protocol'
import { capabilitiesOf } from './capabilities'
import { bestCheckpoint, type JobRecord, lastCheckpoint } from './jobRecord'

/** A job as it travels, now. What is returned does not change with it. */
export function wireJobOf(job: JobRecord, generation: number): WireJob {
  return structuredClone({
    id: job.id,
    owner: job.owner,
    name: job.name,
    template: job.template,
    params: job.params,
    status: job.status,
    health: job.health,
    held: job.heldBy !== null,
    attempt: job.attempt,
    created_at: job.createdAt,
    updated_at: job.updatedAt,
    started_at: job.startedAt,
    ended_at: job.endedAt,
    progress: job.progress,
    latest_metrics: job.latestMetrics,
    last_checkpoint: lastCheckpoint(job),
    best_checkpoint: bestCheckpoint(job),
    capabilities: capabilitiesOf(job),
    command: job.command,
    last_command: job.lastCommand,
    end: job.end,
    warnings: [],
    resumed_from: job.resumedFrom,
    resumed_as: job.resumedAs,
    status_version: job.statusVersion,
    generation,
    seq: job.seq,
  })
}

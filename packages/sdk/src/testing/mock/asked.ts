import type { Actor, Command, CommandAction, ControlRequest, Outcome } from '../../protocol'
import type { JobRecord } from './jobRecord'
import { putReceipt } from './receipts'

/** One request, as far as the rules care. */
export interface Asked {
  readonly actor: Actor
  /** Only this owner's jobs exist for the asker; null: all do. */
  readonly owner: string | null
  readonly idempotencyKey: string | null
  /** Pause and resume only while the job's `status_version` is one of these; null: whatever it is. */
  readonly statusVersions: readonly number[] | null
}

export type CancelOptions = Omit<Extract<ControlRequest, { action: 'cancel' }>, 'action'>
export type PauseOptions = Omit<Extract<ControlRequest, { action: 'pause' }>, 'action'>
export type ResumeOptions = Omit<Extract<ControlRequest, { action: 'resume' }>, 'action'>

/** What a request came to. */
export interface Decision {
  readonly outcome: Outcome
  readonly command: Command | null
  /** The job to answer with. */
  readonly jobId: string
}

/** A command with its first two receipts. */
export function newCommand(
  job: JobRecord,
  asked: Asked,
  given: { id: string; action: CommandAction; at: string } & Partial<Command>,
): Command {
  const { id, action, at, ...more } = given
  const command: Command = {
    id,
    job_id: job.id,
    attempt: job.attempt,
    action,
    mode: null,
    hold: null,
    from: null,
    reason: null,
    note: null,
    actor: asked.actor,
    status: 'active',
    superseded_by: null,
    idempotency_key: asked.idempotencyKey,
    created_at: at,
    wait_until: null,
    term_at: null,
    deadline: null,
    ended_at: null,
    message: null,
    receipts: [],
    ...more,
  }
  for (const stage of ['requested', 'accepted'] as const)
    putReceipt(command, { stage, state: 'done', at, by: 'server', detail: null })
  return command
}

import type { Checkpoint, Command, Receipt, ReceiptStage, WireJob } from '@trainstop/sdk'

/** So many seconds before or after now, as on the wire. */
export function at(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString()
}

const allowed = { allowed: true, reason: null }
export const forbidden = (reason: string) => ({ allowed: false, reason })

export function makeCheckpoint(step: number, changes: Partial<Checkpoint> = {}): Checkpoint {
  const id = `step-${String(step).padStart(8, '0')}`
  return {
    id,
    job_id: 'job_1',
    attempt: 1,
    step,
    epoch: Math.floor(step / 78) + 1,
    path: `/data/runs/job_1/checkpoints/${id}`,
    bytes: 4_812_332,
    files: 2,
    saved_at: at(-40),
    save_seconds: 0.42,
    reason: 'scheduled',
    verified: true,
    removed_at: null,
    problem: null,
    metrics: { eval_loss: 0.2134 },
    ...changes,
  }
}

/** A running job: epoch 4 of 10, step 315 of 780, last saved at step 300, 40 seconds ago. */
export function makeJob(changes: Partial<WireJob> = {}): WireJob {
  return {
    id: 'job_1',
    owner: 'ada',
    name: 'digits, wide',
    template: 'digits',
    params: { epochs: 10 },
    status: 'running',
    health: 'ok',
    attempt: 1,
    created_at: at(-62),
    updated_at: at(0),
    started_at: at(-60),
    ended_at: null,
    progress: {
      epoch: 4,
      epoch_total: 10,
      step: 315,
      step_total: 780,
      started_at: at(-60),
      steps_per_second: 5.3,
      eta_seconds: 88,
    },
    latest_metrics: { train_loss: { value: 0.1204, step: 315, at: at(0) } },
    last_checkpoint: makeCheckpoint(300),
    best_checkpoint: makeCheckpoint(300),
    capabilities: {
      cancel: allowed,
      force: allowed,
      pause: allowed,
      resume: forbidden('The run is not paused.'),
      modes: ['graceful', 'checkpoint', 'epoch', 'force'],
    },
    command: null,
    last_command: null,
    end: null,
    resumed_from: null,
    resumed_as: null,
    status_version: 1,
    generation: 1,
    seq: 1,
    ...changes,
  }
}

export function makeReceipt(stage: ReceiptStage, changes: Partial<Receipt> = {}): Receipt {
  return { stage, state: 'done', at: at(0), by: 'server', detail: null, ...changes }
}

/** A stop that has just been accepted, with 60 seconds to its deadline. */
export function makeCommand(changes: Partial<Command> = {}): Command {
  return {
    id: 'cmd_1',
    job_id: 'job_1',
    attempt: 1,
    action: 'cancel',
    mode: 'graceful',
    hold: null,
    from: null,
    reason: null,
    note: null,
    actor: { type: 'user', id: 'ada', name: 'Ada Lovelace' },
    status: 'active',
    superseded_by: null,
    idempotency_key: null,
    created_at: at(0),
    term_at: at(45),
    deadline: at(60),
    ended_at: null,
    message: null,
    receipts: [makeReceipt('requested'), makeReceipt('accepted')],
    ...changes,
  }
}

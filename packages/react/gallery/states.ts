import type { Checkpoint, MetricColumns } from '@trainstop/sdk'
import { at, forbidden, makeCheckpoint, makeCommand, makeJob, makeReceipt } from '../src/testing/fixtures'
import { ScriptedServer, unreachable } from '../src/testing/scriptedServer'

const nothing = forbidden('The run is over.')
const over = {
  cancel: nothing,
  force: nothing,
  pause: nothing,
  resume: { allowed: true, reason: null },
  modes: [],
}

/** A loss that falls, and a held-out loss that turns upwards, as when a network overfits. */
export function curves(steps: number, every = 3): MetricColumns {
  const columns: MetricColumns = { attempt: [], step: [], epoch: [], elapsed_seconds: [], values: {} }
  const train: (number | null)[] = []
  const held: (number | null)[] = []
  let noise = 1
  for (let step = every; step <= steps; step += every) {
    noise = (noise * 16807) % 2147483647
    const jitter = noise / 2147483647 - 0.5
    columns.attempt.push(1)
    columns.step.push(step)
    columns.epoch.push(step / 78)
    columns.elapsed_seconds.push(step / 5.3)
    train.push(2.3 * Math.exp(-step / 60) + 0.05 + (0.14 * jitter) / (1 + step / 150))
    held.push(step % 39 < every ? 2.2 * Math.exp(-step / 55) + 0.2 + (step / 900) ** 2 : null)
  }
  columns.values = { train_loss: train, eval_loss: held }
  return columns
}

const checkpoints: Checkpoint[] = [
  makeCheckpoint(300),
  makeCheckpoint(225, { saved_at: at(-55), metrics: { eval_loss: 0.2291, train_loss: 0.15 } }),
  makeCheckpoint(150, {
    saved_at: at(-70),
    verified: false,
    problem: 'weights.npz has another hash than its manifest.',
  }),
  makeCheckpoint(75, { saved_at: at(-85), reason: 'manual', bytes: 2_400_000_000, save_seconds: 14.2 }),
]

export const printed = `\u001b[1mdigits, wide\u001b[0m  hidden 512, batch 64, lr 0.05
Loading digits: 1797 images of 8×8, 1347 to train, 450 held out
\u001b[32m✓\u001b[0m resumed nothing, starting at step 0
epoch  1  step  78  train_loss \u001b[36m0.8123\u001b[0m  eval_loss \u001b[36m0.7411\u001b[0m
epoch  2  step 156  train_loss \u001b[36m0.2317\u001b[0m  eval_loss \u001b[36m0.3204\u001b[0m
checkpoint step-00000150 \u001b[31mfailed to verify\u001b[0m
epoch  3  step 234  train_loss \u001b[36m0.1309\u001b[0m  eval_loss \u001b[36m0.2291\u001b[0m
\u001b[33mwarning:\u001b[0m eval_loss has not improved for 2 evaluations
\u001b[2mcheckpoint step-00000300 saved in 420 ms\u001b[0m
\u001b]0;not a title\u0007<script>alert('inert')</script>
\u001b[7m inverse \u001b[0m \u001b[38;5;208mcolour 208\u001b[0m \u001b[38;2;120;90;200mtrue colour\u001b[0m \u001b[4munderline\u001b[0m \u001b[9mstruck\u001b[0m
`

function server(job: Parameters<typeof makeJob>[0], change: (server: ScriptedServer) => void = () => {}) {
  const made = new ScriptedServer(job)
  made.metrics = curves(315)
  made.checkpoints = checkpoints
  made.log = printed.repeat(4)
  change(made)
  if (['cancelled', 'completed', 'failed'].includes(made.job.status)) made.endsAtOnce = true
  return made
}

const handedOver = [
  makeReceipt('requested'),
  makeReceipt('accepted'),
  makeReceipt('delivered', { by: 'shim' }),
]
const stopped = makeCommand({
  status: 'succeeded',
  reason: 'overfitting',
  note: 'Eval loss has risen since epoch 3.',
  created_at: at(-31),
  ended_at: at(-29.4),
  receipts: [
    makeReceipt('requested', { at: at(-31) }),
    makeReceipt('accepted', { at: at(-30.994) }),
    makeReceipt('delivered', { at: at(-30.981), by: 'shim', detail: '1 rank' }),
    makeReceipt('acknowledged', { at: at(-30.9), by: 'process', detail: 'step 315' }),
    makeReceipt('checkpoint_saved', { at: at(-30.1), detail: 'step-00000315 verified, 2 files' }),
    makeReceipt('process_exited', { at: at(-29.4), by: 'shim', detail: 'exit code 0' }),
    makeReceipt('resources_released', {
      at: at(-29.4),
      by: 'shim',
      state: 'not_measured',
      detail: 'no GPU driver listed a process of this job',
    }),
  ],
})
const forced = makeCommand({
  status: 'succeeded',
  mode: 'force',
  actor: { type: 'rule', id: 'budget', name: null },
  reason: 'cost',
  created_at: at(-20),
  ended_at: at(-19.8),
  receipts: [
    makeReceipt('requested', { at: at(-20) }),
    makeReceipt('accepted', { at: at(-19.99) }),
    makeReceipt('delivered', { at: at(-19.97), by: 'shim' }),
    makeReceipt('acknowledged', { at: at(-19.97), state: 'skipped', detail: 'force asks nobody' }),
    makeReceipt('checkpoint_saved', { at: at(-19.97), state: 'failed', detail: 'No space left on device' }),
    makeReceipt('process_exited', { at: at(-19.8), by: 'shim', detail: 'SIGKILL to 3 processes' }),
    makeReceipt('resources_released', { at: at(-19.8), by: 'shim' }),
  ],
})

/** Every state that a run can be in, as a server that tells it. */
export const states: Record<string, ScriptedServer> = {
  running: server({}),
  pending: server(
    {
      status: 'pending',
      last_checkpoint: null,
      best_checkpoint: null,
      started_at: null,
      progress: {
        epoch: null,
        epoch_total: null,
        step: null,
        step_total: null,
        started_at: null,
        steps_per_second: null,
        eta_seconds: null,
      },
    },
    (made) => {
      made.metrics = { attempt: [], step: [], epoch: [], elapsed_seconds: [], values: {} }
      made.checkpoints = []
      made.log = ''
    },
  ),
  stopping: server({ status: 'stopping', command: makeCommand({ receipts: handedOver }) }),
  overdue: server({
    status: 'stopping',
    health: 'unresponsive',
    command: makeCommand({ created_at: at(-75), term_at: at(-30), deadline: at(-12), receipts: handedOver }),
  }),
  pausing: server({ status: 'pausing', command: makeCommand({ action: 'pause', mode: null }) }),
  paused: server({
    status: 'paused',
    capabilities: { ...over, cancel: { allowed: true, reason: null }, modes: ['graceful', 'force'] },
    last_command: makeCommand({ action: 'pause', status: 'succeeded', ended_at: at(-1) }),
  }),
  cancelled: server({ status: 'cancelled', capabilities: over, last_command: stopped, ended_at: at(-29) }),
  forced: server({ status: 'cancelled', capabilities: over, last_command: forced, ended_at: at(-19) }),
  completed: server(
    {
      status: 'completed',
      capabilities: { ...over, resume: forbidden('The run has finished.') },
      progress: {
        epoch: 10,
        epoch_total: 10,
        step: 780,
        step_total: 780,
        started_at: at(-160),
        steps_per_second: 5.3,
        eta_seconds: 0,
      },
    },
    (made) => {
      made.metrics = curves(780)
    },
  ),
  failed: server(
    {
      status: 'failed',
      capabilities: over,
      end: { cause: 'crashed', exit_code: 1, signal: null, message: 'The script ended with exit code 1.' },
    },
    (made) => {
      const broken = curves(315)
      const losses = broken.values.train_loss
      if (losses) for (let i = 90; i < losses.length; i++) losses[i] = 'NaN'
      made.metrics = broken
    },
  ),
  forbidden: server({
    capabilities: {
      ...makeJob().capabilities,
      cancel: forbidden('Only the owner of this run may stop it.'),
      pause: forbidden('This run does not use trainstop.run, so it cannot save on request.'),
    },
  }),
  unsaved: server({
    last_checkpoint: null,
    best_checkpoint: null,
    health: 'unresponsive',
    capabilities: { ...makeJob().capabilities, modes: ['force'] },
  }),
  unknown: server({ status: 'hibernating' }),
  away: server({}, (made) => {
    made.connection(
      { source: 'none', stale: true, attempt: 4, lastEventAt: Date.now() - 14_000 },
      unreachable(),
    )
  }),
}

const running = states.running as ScriptedServer
running.others = [
  makeJob({ id: 'job_2', name: 'digits, narrow', status: 'stopping' }),
  makeJob({
    id: 'job_3',
    name: 'a run whose name is rather long, as people like to put all their parameters into it: lr=0.05 wd=1e-4 h=512',
    status: 'completed',
    attempt: 2,
    progress: { ...makeJob().progress, step: 780, epoch: 10 },
    started_at: at(-90_000),
  }),
  makeJob({ id: 'job_4', name: 'digits, lr 0.1', status: 'failed', started_at: at(-180_000) }),
  makeJob({
    id: 'job_5',
    name: 'digits, lr 0.01',
    status: 'cancelled',
    started_at: at(-260_000),
    resumed_from: { job_id: 'job_9', checkpoint_id: 'step-00000300' },
  }),
  makeJob({
    id: 'job_6',
    name: 'queued',
    status: 'pending',
    started_at: null,
    progress: { ...makeJob().progress, step: null, started_at: null },
  }),
  makeJob({ id: 'job_7', name: 'digits, paused overnight', status: 'paused', started_at: at(-40_000) }),
]

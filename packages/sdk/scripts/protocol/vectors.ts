import type { SchemaName } from './schemas'

/** Values that every implementation must take, and values that none may take. */
export interface Vectors {
  valid: Vector[]
  invalid: Vector[]
}
export interface Vector {
  name: string
  value: unknown
}

type Json = Record<string, unknown>

const at = '2026-11-23T18:09:00.123Z'
const later = '2026-11-23T18:10:00Z'

const progress: Json = {
  epoch: 3.5,
  epoch_total: 10,
  step: 315,
  step_total: 780,
  started_at: at,
  steps_per_second: 6.25,
  eta_seconds: 74.4,
}
const progressUnknown: Json = {
  epoch: null,
  epoch_total: null,
  step: null,
  step_total: null,
  started_at: null,
  steps_per_second: null,
  eta_seconds: null,
}
const latestMetric: Json = { value: 0.42, step: 315, at }
const columns: Json = {
  attempt: [1, 1],
  step: [314, 315],
  epoch: [4, null],
  elapsed_seconds: [50.1, 50.3],
  values: { train_loss: [0.1, 'NaN'], eval_loss: [null, 0.42] },
}
const checkpoint: Json = {
  id: 'step-00000315',
  job_id: 'job_abc123',
  attempt: 1,
  step: 315,
  epoch: 4,
  path: '/data/jobs/job_abc123/checkpoints/step-00000315',
  bytes: 13_000_000,
  files: 2,
  saved_at: at,
  removed_at: null,
  save_seconds: 0.21,
  reason: 'cancel',
  verified: true,
  problem: null,
  metrics: { eval_loss: 0.42, train_loss: 'Infinity' },
}
const yes: Json = { allowed: true, reason: null }
const no: Json = { allowed: false, reason: 'There is no verified checkpoint to resume from yet.' }
const capabilities: Json = { cancel: yes, force: yes, pause: yes, resume: no, modes: ['graceful', 'force'] }
const warning: Json = { code: 'grace_too_short', message: 'Its saves take 90 s; this stop gives it 60 s.' }
const waiting: Json = {
  code: 'waiting_for_place',
  message: 'It waits for its turn: this server runs 2 jobs at once.',
}
const actor: Json = { type: 'user', id: 'u_1', name: 'Ada' }
const receipt: Json = { stage: 'acknowledged', state: 'done', at, by: 'process', detail: 'step 315' }
const command: Json = {
  id: 'cmd_1',
  job_id: 'job_abc123',
  attempt: 1,
  action: 'cancel',
  mode: 'graceful',
  hold: null,
  from: null,
  reason: 'overfitting',
  note: 'eval loss rises since epoch 2',
  actor,
  status: 'active',
  superseded_by: null,
  idempotency_key: 'b5a1c7d2-0001',
  created_at: at,
  term_at: at,
  deadline: later,
  ended_at: null,
  message: null,
  receipts: [{ ...receipt, stage: 'requested', by: 'server', detail: null }, receipt],
}
const pause: Json = { ...command, id: 'cmd_2', action: 'pause', mode: null, hold: false, term_at: null }
const resume: Json = {
  ...command,
  id: 'cmd_3',
  action: 'resume',
  mode: null,
  from: 'step-00000315',
  reason: null,
  note: null,
  term_at: null,
  deadline: null,
  status: 'succeeded',
  ended_at: later,
}
const job: Json = {
  id: 'job_abc123',
  owner: 'u_1',
  name: 'Handwritten digits',
  template: 'digits',
  params: { epochs: 10, learning_rate: 0.001, shuffle: true, tag: 'a b' },
  status: 'stopping',
  health: 'ok',
  attempt: 1,
  created_at: at,
  updated_at: later,
  started_at: at,
  ended_at: null,
  progress,
  latest_metrics: { train_loss: latestMetric, eval_loss: { ...latestMetric, value: 'NaN', step: null } },
  last_checkpoint: checkpoint,
  best_checkpoint: null,
  capabilities,
  command,
  last_command: pause,
  end: null,
  resumed_from: null,
  resumed_as: null,
  status_version: 4,
  generation: 1,
  seq: 77,
}
const ended: Json = {
  ...job,
  status: 'failed',
  command: null,
  ended_at: later,
  end: {
    cause: 'killed',
    exit_code: null,
    signal: 'SIGKILL',
    message: 'The training process was killed by SIGKILL.',
  },
  resumed_from: { job_id: 'job_old', checkpoint_id: 'step-00000300' },
  resumed_as: 'job_new',
}
const fresh: Json = {
  ...job,
  status: 'pending',
  owner: null,
  template: null,
  params: {},
  started_at: null,
  progress: progressUnknown,
  latest_metrics: {},
  last_checkpoint: null,
  command: null,
  last_command: null,
}
const asked: Json = {
  id: 'cmd_1',
  action: 'cancel',
  mode: 'graceful',
  created_at: at,
  term_at: at,
  deadline: later,
}
const envelope: Json = { job_id: 'job_abc123', generation: 1, seq: 77, at }
const event = (type: string, data: unknown): Json => ({ ...envelope, type, data })
const param: Json = {
  name: 'epochs',
  type: 'integer',
  title: 'Epochs',
  default: 10,
  minimum: 1,
  maximum: 1000,
  choices: null,
}
const template: Json = { id: 'digits', title: 'Handwritten digits', description: null, params: [param] }

const without = (value: Json, key: string): Json =>
  Object.fromEntries(Object.entries(value).filter(([k]) => k !== key))

/** Each required key left out, and each key given a type that is never right. */
function broken(base: Json, required: string[] = Object.keys(base)): Vector[] {
  return [
    ...required.map((key) => ({ name: `without ${key}`, value: without(base, key) })),
    ...Object.keys(base).map((key) => ({ name: `${key} of a wrong type`, value: { ...base, [key]: [[]] } })),
    { name: 'no object', value: 'text' },
    { name: 'null', value: null },
  ]
}

const badIds = ['', '..', '../etc', 'a/b', 'a b', 'a\n', 'ä', 'x'.repeat(65), '%2e%2e']

export const vectors: Record<SchemaName, Vectors> = {
  Job: {
    valid: [
      { name: 'stopping', value: job },
      { name: 'ended', value: ended },
      { name: 'pending', value: fresh },
      { name: 'with a status that a newer server invented', value: { ...job, status: 'hibernating' } },
      { name: 'with a field that a newer server invented', value: { ...job, mood: 'good' } },
      { name: 'unsupervised', value: { ...job, health: 'unsupervised' } },
      { name: 'held', value: { ...job, status: 'paused', command: null, held: true } },
      { name: 'with a warning', value: { ...job, held: false, warnings: [warning] } },
      { name: 'with no warnings', value: { ...job, warnings: [] } },
      { name: 'waiting for its turn', value: { ...fresh, warnings: [waiting] } },
    ],
    invalid: [
      ...broken(job),
      ...badIds.map((id) => ({ name: `id ${JSON.stringify(id)}`, value: { ...job, id } })),
      { name: 'attempt 0', value: { ...job, attempt: 0 } },
      { name: 'negative seq', value: { ...job, seq: -1 } },
      { name: 'held is null', value: { ...job, held: null } },
      { name: 'held as text', value: { ...job, held: 'yes' } },
      { name: 'warnings are null', value: { ...job, warnings: null } },
      { name: 'a warning without words', value: { ...job, warnings: [{ code: 'grace_too_short' }] } },
      { name: 'fractional seq', value: { ...job, seq: 1.5 } },
      { name: 'time without zone', value: { ...job, created_at: '2026-11-23T18:09:00' } },
      { name: 'time with an offset', value: { ...job, created_at: '2026-11-23T18:09:00+01:00' } },
      { name: 'Unix time', value: { ...job, created_at: 1_795_457_340 } },
    ],
  },
  JobEnd: {
    valid: [
      { name: 'killed', value: ended.end },
      {
        name: 'interrupted',
        value: { cause: 'interrupted', exit_code: null, signal: null, message: 'Not seen.' },
      },
      { name: 'completed', value: { cause: 'completed', exit_code: 0, signal: null, message: 'Done.' } },
    ],
    invalid: broken(ended.end as Json),
  },
  JobWarning: {
    valid: [
      { name: 'grace too short', value: warning },
      { name: 'of a code that a newer server invented', value: { ...warning, code: 'hot' } },
    ],
    invalid: broken(warning),
  },
  Progress: {
    valid: [
      { name: 'all known', value: progress },
      { name: 'nothing known', value: progressUnknown },
    ],
    invalid: [...broken(progress), { name: 'negative step', value: { ...progress, step: -1 } }],
  },
  LatestMetric: {
    valid: [
      { name: 'number', value: latestMetric },
      { name: 'negative', value: { ...latestMetric, value: -1e300 } },
      { name: 'NaN', value: { ...latestMetric, value: 'NaN' } },
      { name: '-Infinity', value: { ...latestMetric, value: '-Infinity' } },
    ],
    invalid: [
      ...broken(latestMetric),
      { name: 'text', value: { ...latestMetric, value: '0.5' } },
      { name: 'null value', value: { ...latestMetric, value: null } },
    ],
  },
  MetricColumns: {
    valid: [
      { name: 'two rows', value: columns },
      { name: 'no rows', value: { attempt: [], step: [], epoch: [], elapsed_seconds: [], values: {} } },
    ],
    invalid: broken(columns),
  },
  Checkpoint: {
    valid: [
      { name: 'verified', value: checkpoint },
      {
        name: 'broken, of a reason that a newer server invented',
        value: { ...checkpoint, verified: false, problem: 'weights.npz is 10 bytes short.', reason: 'rule' },
      },
      { name: 'without step', value: { ...checkpoint, step: null, epoch: null } },
      { name: 'removed', value: { ...checkpoint, removed_at: later } },
    ],
    invalid: [
      ...broken(checkpoint),
      ...badIds.map((id) => ({ name: `id ${JSON.stringify(id)}`, value: { ...checkpoint, id } })),
      { name: 'negative bytes', value: { ...checkpoint, bytes: -1 } },
    ],
  },
  Capability: {
    valid: [
      { name: 'allowed', value: yes },
      { name: 'not allowed', value: no },
    ],
    invalid: broken(yes),
  },
  Capabilities: {
    valid: [
      { name: 'running', value: capabilities },
      {
        name: 'with what is possible besides',
        value: {
          ...capabilities,
          modes: ['graceful', 'checkpoint', 'force'],
          checkpoint: yes,
          epoch: no,
          hold: yes,
        },
      },
      {
        name: 'with a mode that a newer server invented',
        value: { ...capabilities, modes: ['at_full_moon'] },
      },
    ],
    invalid: [
      ...broken(capabilities),
      { name: 'hold is null', value: { ...capabilities, hold: null } },
      { name: 'epoch as a flag', value: { ...capabilities, epoch: true } },
    ],
  },
  Actor: {
    valid: [
      { name: 'user', value: actor },
      { name: 'rule', value: { type: 'rule', id: 'rule_1', name: 'No improvement' } },
      { name: 'system', value: { type: 'system', id: null, name: null } },
    ],
    invalid: broken(actor),
  },
  Receipt: {
    valid: [
      { name: 'done', value: receipt },
      {
        name: 'not measured',
        value: { ...receipt, stage: 'resources_released', state: 'not_measured', by: 'shim', detail: null },
      },
    ],
    invalid: broken(receipt),
  },
  Command: {
    valid: [
      { name: 'cancel', value: command },
      { name: 'pause', value: pause },
      { name: 'resume', value: resume },
      { name: 'without receipts yet', value: { ...command, receipts: [] } },
      {
        name: 'cancel that waits',
        value: { ...command, mode: 'checkpoint', wait_until: at, term_at: later },
      },
      { name: 'cancel that waits for nothing', value: { ...command, wait_until: null } },
      { name: 'hold', value: { ...pause, hold: true } },
    ],
    invalid: [
      ...broken(command),
      { name: 'wait_until of no time', value: { ...command, wait_until: 60 } },
      { name: 'attempt 0', value: { ...command, attempt: 0 } },
    ],
  },
  Event: {
    valid: [
      { name: 'job', value: event('job', job) },
      { name: 'command', value: event('command', command) },
      { name: 'checkpoint', value: event('checkpoint', checkpoint) },
      {
        name: 'metrics',
        value: event('metrics', { progress, latest_metrics: { eval_loss: latestMetric }, columns }),
      },
      { name: 'log', value: event('log', { attempt: 1, size: 4096 }) },
      { name: 'reset', value: event('reset', { reason: 'The cursor is older than what is kept.' }) },
      { name: 'end', value: event('end', { status: 'cancelled' }) },
      { name: 'bookmark', value: event('bookmark', {}) },
      { name: 'gone', value: { ...event('gone', { reason: 'There is no such job.' }), seq: 0 } },
    ],
    invalid: [
      ...broken(event('log', { attempt: 1, size: 4096 })),
      { name: 'job event with a command', value: event('job', command) },
      { name: 'unknown type', value: event('weather', {}) },
      { name: 'log with a negative size', value: event('log', { attempt: 1, size: -1 }) },
    ],
  },
  EventsRequest: {
    valid: [
      { name: 'one job, from now on', value: { jobs: { job_1: null } } },
      { name: 'two jobs, one from a cursor on', value: { jobs: { job_1: '1.42', job_2: null } } },
    ],
    invalid: [
      { name: 'no jobs', value: { jobs: {} } },
      { name: 'a list', value: { jobs: ['job_1'] } },
      { name: 'an id that no job can have', value: { jobs: { '../job': null } } },
      { name: 'a cursor that is a number', value: { jobs: { job_1: 42 } } },
      { name: 'a cursor without end', value: { jobs: { job_1: '1'.repeat(65) } } },
    ],
  },
  Error: {
    valid: [
      { name: 'shortest', value: { success: false, error: 'There is no such job.', code: 'job_not_found' } },
      {
        name: 'all fields',
        value: {
          success: false,
          error: 'This job is completed.',
          code: 'conflict',
          request_id: 'req_1',
          status: 'completed',
          field: 'action',
        },
      },
      {
        name: 'a code that a newer server invented',
        value: { success: false, error: 'No.', code: 'teapot' },
      },
    ],
    invalid: [
      ...broken({ success: false, error: 'No.', code: 'internal' }),
      { name: 'success true', value: { success: true, error: 'No.', code: 'internal' } },
    ],
  },
  ControlRequest: {
    valid: [
      { name: 'cancel', value: { action: 'cancel' } },
      {
        name: 'cancel with everything',
        value: { action: 'cancel', mode: 'force', reason: 'cost', note: 'n', grace_seconds: 5 },
      },
      { name: 'pause', value: { action: 'pause', hold: false, reason: null } },
      { name: 'resume', value: { action: 'resume', from: 'step-00000315' } },
    ],
    invalid: [
      { name: 'empty', value: {} },
      { name: 'unknown action', value: { action: 'explode' } },
      { name: 'unknown mode', value: { action: 'cancel', mode: 'gently' } },
      { name: 'unknown reason', value: { action: 'cancel', reason: 'bored' } },
      { name: 'note too long', value: { action: 'cancel', note: 'x'.repeat(2001) } },
      { name: 'negative wait', value: { action: 'cancel', wait_seconds: -1 } },
      { name: 'wait over a week', value: { action: 'cancel', wait_seconds: 604_801 } },
      { name: 'wait as text', value: { action: 'cancel', wait_seconds: '60' } },
      { name: 'negative grace', value: { action: 'cancel', grace_seconds: -1 } },
      { name: 'grace over a day', value: { action: 'cancel', grace_seconds: 86_401 } },
      { name: 'from with a path', value: { action: 'resume', from: '../../etc/passwd' } },
      { name: 'list', value: [] },
      { name: 'null', value: null },
    ],
  },
  CancelOptions: {
    valid: [
      { name: 'nothing', value: {} },
      { name: 'force', value: { mode: 'force' } },
      { name: 'at the next checkpoint', value: { mode: 'checkpoint', wait_seconds: 604_800 } },
      { name: 'at once, in its words', value: { mode: 'epoch', wait_seconds: 0 } },
      { name: 'no wait of its own', value: { mode: 'epoch', wait_seconds: null } },
    ],
    invalid: [
      { name: 'unknown mode', value: { mode: 'gently' } },
      { name: 'list', value: [] },
    ],
  },
  PauseOptions: {
    valid: [
      { name: 'nothing', value: {} },
      { name: 'hold', value: { hold: true } },
    ],
    invalid: [
      { name: 'hold as text', value: { hold: 'yes' } },
      { name: 'text', value: 'pause' },
    ],
  },
  ResumeOptions: {
    valid: [
      { name: 'nothing', value: {} },
      { name: 'best', value: { from: 'best' } },
    ],
    invalid: [
      { name: 'number', value: { from: 3 } },
      { name: 'a slash', value: { from: 'a/b' } },
    ],
  },
  StartRequest: {
    valid: [
      { name: 'shortest', value: { template: 'digits' } },
      {
        name: 'all fields',
        value: { template: 'digits', name: 'Try 2', params: { epochs: 3, rate: 0.1, on: true, tag: 'a' } },
      },
    ],
    invalid: [
      { name: 'without template', value: {} },
      ...badIds.map((id) => ({ name: `template ${JSON.stringify(id)}`, value: { template: id } })),
      { name: 'empty name', value: { template: 'digits', name: '' } },
      { name: 'nested param', value: { template: 'digits', params: { epochs: { $gt: 1 } } } },
      { name: 'null param', value: { template: 'digits', params: { epochs: null } } },
    ],
  },
  ReportedFact: {
    valid: [
      { name: 'progress', value: { type: 'progress', at, step: 3, epoch: 0.5 } },
      { name: 'metrics', value: { type: 'metrics', rows: [[3, null, 1_795_457_340.5, { loss: 'NaN' }]] } },
    ],
    invalid: [
      ...broken({ type: 'left' }),
      { name: 'a fact of the shim', value: { type: 'tree_gone' } },
      { name: 'a fact of the supervisor', value: { type: 'exited' } },
    ],
  },
  ReportRequest: {
    valid: [
      { name: 'nothing new', value: { attempt: 1, rank: 0, offset: 7, facts: [] } },
      { name: 'progress', value: { attempt: 2, rank: 3, offset: 0, facts: [{ type: 'progress', step: 3 }] } },
    ],
    invalid: [
      ...broken({ attempt: 1, rank: 0, offset: 0, facts: [] }).filter(
        (one) => !one.name.startsWith('facts of'),
      ),
      { name: 'attempt 0', value: { attempt: 0, rank: 0, offset: 0, facts: [] } },
      { name: 'rank -1', value: { attempt: 1, rank: -1, offset: 0, facts: [] } },
      { name: 'offset -1', value: { attempt: 1, rank: 0, offset: -1, facts: [] } },
      { name: 'facts that are none', value: { attempt: 1, rank: 0, offset: 0, facts: [[]] } },
      {
        name: 'too many facts',
        value: { attempt: 1, rank: 0, offset: 0, facts: Array(1001).fill({ type: 'saving' }) },
      },
    ],
  },
  ControlCommand: { valid: [{ name: 'cancel', value: asked }], invalid: broken(asked) },
  ReportAnswer: {
    valid: [
      { name: 'nothing asked', value: { success: true, next_offset: 3, command: null } },
      { name: 'a cancel', value: { success: true, next_offset: 3, command: asked } },
    ],
    invalid: broken({ success: true, next_offset: 3, command: asked }),
  },
  ControlAnswer: {
    valid: [
      {
        name: 'accepted',
        value: {
          success: true,
          action: 'cancel',
          job_id: 'job_abc123',
          result: { outcome: 'accepted', command, job },
        },
      },
      {
        name: 'no_op',
        value: {
          success: true,
          action: 'cancel',
          job_id: 'job_abc123',
          result: { outcome: 'no_op', command: null, job: ended },
        },
      },
    ],
    invalid: [
      ...broken({
        success: true,
        action: 'cancel',
        job_id: 'job_abc123',
        result: { outcome: 'accepted', command, job },
      }),
      {
        name: 'unknown outcome',
        value: { success: true, action: 'cancel', job_id: 'j', result: { outcome: 'maybe', command, job } },
      },
    ],
  },
  JobAnswer: {
    valid: [{ name: 'job', value: { success: true, job } }],
    invalid: broken({ success: true, job }),
  },
  JobsAnswer: {
    valid: [
      { name: 'a page', value: { success: true, jobs: [job, ended], next_cursor: 'c_1' } },
      { name: 'nothing', value: { success: true, jobs: [], next_cursor: null } },
    ],
    invalid: broken({ success: true, jobs: [job], next_cursor: null }),
  },
  MetricsAnswer: {
    valid: [{ name: 'columns', value: { success: true, generation: 1, seq: 77, columns } }],
    invalid: broken({ success: true, generation: 1, seq: 77, columns }),
  },
  LogsAnswer: {
    valid: [
      {
        name: 'a piece',
        value: { success: true, attempt: 1, offset: 0, next_offset: 12, size: 12, text: 'epoch 1/10\nä' },
      },
    ],
    invalid: broken({ success: true, attempt: 1, offset: 0, next_offset: 12, size: 12, text: '' }),
  },
  CheckpointsAnswer: {
    valid: [{ name: 'one', value: { success: true, checkpoints: [checkpoint] } }],
    invalid: broken({ success: true, checkpoints: [checkpoint] }),
  },
  CommandAnswer: {
    valid: [{ name: 'one', value: { success: true, command } }],
    invalid: broken({ success: true, command }),
  },
  CommandsAnswer: {
    valid: [{ name: 'three', value: { success: true, commands: [resume, pause, command] } }],
    invalid: broken({ success: true, commands: [command] }),
  },
  Template: { valid: [{ name: 'digits', value: template }], invalid: broken(template) },
  TemplateParam: {
    valid: [
      { name: 'integer', value: param },
      {
        name: 'choice',
        value: { ...param, type: 'choice', default: 'a', minimum: null, maximum: null, choices: ['a', 'b'] },
      },
    ],
    invalid: broken(param),
  },
  CapabilitiesAnswer: {
    valid: [
      {
        name: 'a server',
        value: {
          success: true,
          protocol: 1,
          server: { name: 'trainstop', version: '0.1.0' },
          templates: [template],
        },
      },
    ],
    invalid: broken({
      success: true,
      protocol: 1,
      server: { name: 'trainstop', version: '0.1.0' },
      templates: [template],
    }),
  },
  HealthAnswer: {
    valid: [
      { name: 'ready', value: { success: true, live: true, ready: true, version: '0.1.0' } },
      {
        name: 'not ready',
        value: { success: true, live: true, ready: false, version: '0.1.0', not_ready: ['store'] },
      },
    ],
    invalid: broken({ success: true, live: true, ready: true, version: '0.1.0' }),
  },
}

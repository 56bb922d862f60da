// Written by scripts/write-protocol.ts from src/protocol/schemas: change these.
import type { JobStatus } from '../job'

/** One job. */
export type JobAnswer = {
  success: true
  job: Job
}

/** Newest first. `next_cursor` goes back in as `?cursor=`; null at the end. */
export type JobsAnswer = {
  success: true
  jobs: Array<Job>
  next_cursor: string | null
}

/** One command. */
export type CommandAnswer = {
  success: true
  command: Command
}

/** Newest first. */
export type CommandsAnswer = {
  success: true
  commands: Array<Command>
}

/** Those on the disk, newest first; what did not verify is listed too, with `problem`. */
export type CheckpointsAnswer = {
  success: true
  checkpoints: Array<Checkpoint>
}

/** All rows up to `seq`, so that the event stream from `seq` on adds the rest without a gap or a double. */
export type MetricsAnswer = {
  success: true
  generation: number
  seq: number
  columns: MetricColumns
}

/**
 * A piece of the log of one attempt, cut at a character's border. Fetch on from `next_offset`; `size` is the log's
 * length in bytes so far. Bytes that are no UTF-8 are replaced.
 */
export type LogsPage = {
  success: true
  attempt: number
  offset: number
  next_offset: number
  size: number
  text: string
}

/** One parameter of a template, enough to draw a form field. */
export type TemplateParam = {
  name: string
  type: 'integer' | 'number' | 'string' | 'boolean' | 'choice' | (string & {})
  title: string
  default: string | number | boolean | null
  minimum: number | null
  maximum: number | null
  choices: Array<string> | null
}

/** Something the operator allows to be started. */
export type Template = {
  id: string
  title: string
  description: string | null
  params: Array<TemplateParam>
}

/** What this server can do. */
export type ServerCapabilities = {
  success: true
  protocol: number
  server: {
    name: string
    version: string
  }
  templates: Array<Template>
}

/** Whether an action is possible on a job right now, and if not, why, as a sentence for a person. */
export type Capability = {
  allowed: boolean
  reason: string | null
}

/** What can be done with a job right now. */
export type Capabilities = {
  cancel: Capability
  force: Capability
  pause: Capability
  resume: Capability
  /** The modes that `cancel` takes on this job. */
  modes: Array<'graceful' | 'checkpoint' | 'epoch' | 'force' | (string & {})>
  /** Whether `modes` has `checkpoint`, and if not, why. Older servers don't say. So for `epoch`. */
  checkpoint?: Capability | undefined
  epoch?: Capability | undefined
  /** Pause with `hold`: park at a step and keep the GPU. */
  hold?: Capability | undefined
}

/** A saved state of the run, listed once its manifest is on disk. */
export type Checkpoint = {
  id: string
  job_id: string
  attempt: number
  step: number | null
  epoch: number | null
  /** The directory on the training machine. */
  path: string
  bytes: number
  files: number
  saved_at: string
  /** When retention removed it from the disk. Only events tell of such a one; lists leave it out. */
  removed_at: string | null
  save_seconds: number
  reason: 'scheduled' | 'cancel' | 'pause' | 'manual' | (string & {})
  /** Every file was read again and has the size and hash of the manifest. Resume is offered only then. */
  verified: boolean
  /** Why it did not verify. */
  problem: string | null
  metrics: Record<string, MetricValue>
}

/** Who asked. A rule that stops a job is an actor too. */
export type Actor = {
  type: 'user' | 'service' | 'rule' | 'system' | (string & {})
  id: string | null
  name: string | null
}

/** A durable wish to change a job: committed before it is answered, and it always ends. */
export type Command = {
  id: string
  job_id: string
  attempt: number
  action: 'cancel' | 'pause' | 'resume' | (string & {})
  /** Cancel only. */
  mode: 'graceful' | 'checkpoint' | 'epoch' | 'force' | (string & {}) | null
  /** Pause only: park at a step and keep the GPU, rather than save and leave. */
  hold: boolean | null
  /** Resume only: the checkpoint's id that was resolved. */
  from: string | null
  reason: 'overfitting' | 'wrong_config' | 'free_resources' | 'cost' | 'good_enough' | 'other' | (string & {}) | null
  note: string | null
  actor: Actor
  status: 'active' | 'succeeded' | 'failed' | 'superseded' | 'expired' | (string & {})
  superseded_by: string | null
  /** The intent's Idempotency-Key, by which a caller finds its own command again. */
  idempotency_key: string | null
  created_at: string
  /** `checkpoint` and `epoch`: until when the run goes on to that place; the times below come after it. Null for other modes. */
  wait_until?: string | null | undefined
  /** When the main process gets SIGTERM; null where nothing is ever killed. */
  term_at: string | null
  /**
   * Cancel: everything left is killed. Pause: the command expires and the run goes on. Resume of a held job: it expires,
   * and the job stays held. Absolute.
   */
  deadline: string | null
  ended_at: string | null
  /** Why it failed, was superseded or expired, as a sentence. */
  message: string | null
  receipts: Array<Receipt>
}

/** Body of `POST /local/{job_id}/control`. `/cancel/{job_id}` and its like take the same without `action`. */
export type ControlRequest = {
  action: 'cancel'
  reason?: 'overfitting' | 'wrong_config' | 'free_resources' | 'cost' | 'good_enough' | 'other' | null | undefined
  note?: string | null | undefined
  grace_seconds?: number | null | undefined
  mode?: 'graceful' | 'checkpoint' | 'epoch' | 'force' | null | undefined
  wait_seconds?: number | null | undefined
} | {
  action: 'pause'
  reason?: 'overfitting' | 'wrong_config' | 'free_resources' | 'cost' | 'good_enough' | 'other' | null | undefined
  note?: string | null | undefined
  grace_seconds?: number | null | undefined
  hold?: boolean | null | undefined
} | {
  action: 'resume'
  reason?: 'overfitting' | 'wrong_config' | 'free_resources' | 'cost' | 'good_enough' | 'other' | null | undefined
  note?: string | null | undefined
  from?: string | null | undefined
}

/** What the smallest compatible server answers: `result` may hold anything. */
export type ControlAnswer = {
  success: true
  action: 'cancel' | 'pause' | 'resume'
  job_id: string
  result: unknown
}

/** `result` as a client works with it. */
export type ControlResult = {
  outcome: 'accepted' | 'no_op'
  command: Command | null
  job: Job
}

/** Body of `POST /jobs`: only what the operator allow-listed as a template can be started. */
export type StartRequest = {
  template: string
  name?: string | null | undefined
  params?: Record<string, string | number | boolean> | undefined
}

/**
 * Any error, from any route, with an honest status code. `invalid_request` is 400 for a body that can't be read, 413
 * for one too large, 415 for another content type, and 422 for one that can be read but makes no sense.
 * `server_unreachable` comes from a host's handler when nothing was sent upstream; `outcome_unknown` when it may
 * have arrived.
 */
export type ErrorAnswer = {
  success: false
  /** One plain sentence: what, why, what to do. */
  error: string
  code: string
  request_id?: string | undefined
  /** The true status of the job, where the error is about it. */
  status?: string | undefined
  /** The field of the request that is wrong, e.g. `params.epochs`. */
  field?: string | undefined
}

/** An event as it travels, in `data:` of a server-sent event whose `event:` repeats `type`. */
export type WireEvent = {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'job'
  data: WireJob
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'command'
  data: Command
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'checkpoint'
  data: Checkpoint
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'metrics'
  data: {
    progress: Progress
    latest_metrics: Record<string, LatestMetric>
    columns: MetricColumns
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'log'
  data: {
    attempt: number
    size: number
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'reset'
  data: {
    reason: string
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'end'
  data: {
    status: string
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'bookmark'
  data: Record<string, never>
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'gone'
  data: {
    reason: string
  }
}

/** An event as a client works with it. A type that a newer server invents does not parse: pass it over. */
export type TrainingEvent = {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'job'
  data: Job
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'command'
  data: Command
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'checkpoint'
  data: Checkpoint
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'metrics'
  data: {
    progress: Progress
    latest_metrics: Record<string, LatestMetric>
    columns: MetricColumns
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'log'
  data: {
    attempt: number
    size: number
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'reset'
  data: {
    reason: string
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'end'
  data: {
    status: string
  }
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'bookmark'
  data: Record<string, never>
} | {
  job_id: string
  generation: number
  seq: number
  at: string
  type: 'gone'
  data: {
    reason: string
  }
}

/** Body of `POST /events`: each job (at most 10,000) with the id of the last event that is known of it, `null` for none. */
export type EventsRequest = {
  jobs: Record<string, string | null>
}

/** How a job ended. `interrupted`: nobody was there to see it end, so its exit code is not known. */
export type JobEnd = {
  cause: 'completed' | 'cancelled' | 'crashed' | 'killed' | 'start_failed' | 'interrupted' | (string & {})
  exit_code: number | null
  /** Name of the signal that ended the main process, e.g. `SIGKILL`. */
  signal: string | null
  /** One sentence for a person. */
  message: string
}

/** Something that may go wrong, told before it does. */
export type JobWarning = {
  code: 'grace_too_short' | 'launcher_grace_too_short' | 'waiting_for_place' | 'waiting_for_disk' | (string & {})
  /** One sentence for a person. */
  message: string
}

/** A job as it travels. `job` is what a client works with. */
export type WireJob = {
  id: string
  owner: string | null
  name: string
  template: string | null
  params: Record<string, string | number | boolean>
  status: 'pending' | 'running' | 'pausing' | 'paused' | 'stopping' | 'cancelled' | 'completed' | 'failed' | (string & {})
  health: 'ok' | 'unresponsive' | 'unsupervised' | (string & {})
  /** `paused` at a step, with its process and GPU: resuming it goes on at once. Older servers leave it out. */
  held?: boolean | undefined
  /** Starts at 1; resuming a paused job raises it. */
  attempt: number
  created_at: string
  updated_at: string
  started_at: string | null
  ended_at: string | null
  progress: Progress
  latest_metrics: Record<string, LatestMetric>
  /** The newest that verified, by step, of all attempts. */
  last_checkpoint: Checkpoint | null
  best_checkpoint: Checkpoint | null
  capabilities: Capabilities
  /** The command under way, with its deadline. */
  command: Command | null
  /** The newest command that has ended. */
  last_command: Command | null
  end: JobEnd | null
  /** What a person should know before they need it. Older servers leave it out. */
  warnings?: Array<JobWarning> | undefined
  resumed_from: {
    job_id: string
    checkpoint_id: string
  } | null
  resumed_as: string | null
  /** Rises with status and command only: the ETag. */
  status_version: number
  /** Raised when a backup is restored; `seq` compares within one generation. */
  generation: number
  /** Only ever grows. */
  seq: number
}

/** A job with a status that can be switched over: an unknown one is `unknown`, with the raw word beside it. */
export type Job = {
  id: string
  owner: string | null
  name: string
  template: string | null
  params: Record<string, string | number | boolean>
  /** One that can be switched over; `unknown` for a word of a newer server. */
  status: JobStatus
  health: 'ok' | 'unresponsive' | 'unsupervised' | (string & {})
  /** `paused` at a step, with its process and GPU: resuming it goes on at once. Older servers leave it out. */
  held?: boolean | undefined
  /** Starts at 1; resuming a paused job raises it. */
  attempt: number
  created_at: string
  updated_at: string
  started_at: string | null
  ended_at: string | null
  progress: Progress
  latest_metrics: Record<string, LatestMetric>
  /** The newest that verified, by step, of all attempts. */
  last_checkpoint: Checkpoint | null
  best_checkpoint: Checkpoint | null
  capabilities: Capabilities
  /** The command under way, with its deadline. */
  command: Command | null
  /** The newest command that has ended. */
  last_command: Command | null
  end: JobEnd | null
  /** What a person should know before they need it. Older servers leave it out. */
  warnings?: Array<JobWarning> | undefined
  resumed_from: {
    job_id: string
    checkpoint_id: string
  } | null
  resumed_as: string | null
  /** Rises with status and command only: the ETag. */
  status_version: number
  /** Raised when a backup is restored; `seq` compares within one generation. */
  generation: number
  /** Only ever grows. */
  seq: number
  /** The word that came. */
  raw_status: string
}

/** JSON has no NaN and no infinity, and a diverged loss is just what one must see: they travel as strings. */
export type MetricValue = number | 'NaN' | 'Infinity' | '-Infinity'

/** The newest value of one metric. */
export type LatestMetric = {
  value: MetricValue
  step: number | null
  at: string
}

/**
 * Metric rows as columns. All columns have the same length; `null` in `values` means "not logged in this row".
 * `elapsed_seconds` counts from the start of the row's attempt.
 */
export type MetricColumns = {
  attempt: Array<number>
  step: Array<number | null>
  epoch: Array<number | null>
  elapsed_seconds: Array<number>
  values: Record<string, Array<MetricValue | null>>
}

/** How far the run is. What the script never told is null. */
export type Progress = {
  epoch: number | null
  epoch_total: number | null
  step: number | null
  step_total: number | null
  /** When the current attempt's process started. */
  started_at: string | null
  /** Rate over the last seconds of the current attempt. */
  steps_per_second: number | null
  eta_seconds: number | null
}

/** Proof that one stage of a command was reached, or why not. Stages still ahead have no receipt. */
export type Receipt = {
  stage: 'requested' | 'accepted' | 'delivered' | 'acknowledged' | 'checkpoint_saved' | 'process_exited' | 'resources_released' | (string & {})
  state: 'done' | 'skipped' | 'not_measured' | 'failed' | (string & {})
  at: string
  /** Who saw it: `server`, `shim`, `process`. */
  by: string
  /** More for a person, e.g. `step 315` or `step-00000315 verified, 2 files`. */
  detail: string | null
}

/**
 * Body of `POST /jobs/{job_id}/report`, with the run's own token. `offset`: how many facts this rank reported before
 * these, so that a report that is sent again counts once.
 */
export type ReportRequest = {
  attempt: number
  rank: number
  offset: number
  facts: Array<{
    type: 'attached' | 'progress' | 'metrics' | 'acknowledged' | 'saving' | 'checkpoint' | 'checkpoint_failed' | 'checkpoint_removed' | 'left' | 'dropped'
    [field: string]: unknown
  }>
}

import type { StopReason } from '@trainstop/sdk'

/**
 * Every word the components say. Give `TrainstopProvider` a whole object for another language, or parts of one to
 * change a few words. Values come in already formatted (`step: '1,315'`, `duration: '40 s'`), so that a sentence only
 * has to put them in order.
 */
export interface TrainstopMessages {
  /** BCP 47 tag for numbers, dates and times. Undefined: the browser's own. */
  locale: string | undefined
  duration: (seconds: number) => string
  ago: (duration: string) => string
  /** `raw`: what the server said, for a status that this version does not know. */
  status: Record<
    | 'loading'
    | 'pending'
    | 'running'
    | 'pausing'
    | 'paused'
    | 'stopping'
    | 'cancelled'
    | 'completed'
    | 'failed',
    string
  > & { unknown: (raw: string) => string }
  health: { unresponsive: string; unsupervised: string }
  reasons: Record<StopReason, string>
  stop: {
    button: string
    sending: string
    stopping: string
    title: string
    confirm: string
    keep: string
    /** What is kept and what is lost. */
    savesFirst: string
    savesAtCheckpoint: string
    savesAtEpoch: string
    savesNothing: string
    notStarted: string
    pausedKept: string
    lastCheckpoint: (at: { step: string | null; ago: string }) => string
    stepsSince: (steps: number, formatted: string) => string
    stepsLost: (steps: number, formatted: string) => string
    noCheckpoint: string
    noCheckpointLost: string
    unresponsive: string
    reasonLabel: string
    noReason: string
    noteLabel: string
    notePlaceholder: string
    waitingFor: Record<
      'delivered' | 'acknowledged' | 'checkpoint_saved' | 'process_exited' | 'resources_released',
      string
    >
    timeLeft: (duration: string) => string
    overdue: (duration: string) => string
    more: string
  }
  force: {
    button: string
    title: string
    explain: string
    confirm: string
    keep: string
  }
  pause: { button: string; sending: string; pausing: string; untilDeadline: (duration: string) => string }
  resume: { button: string; fromStep: (step: string) => string; sending: string }
  /** Beside the error's own sentence. */
  error: {
    requestId: (id: string) => string
    /** Something could not be read since no answer came; it is tried again by itself. */
    unreached: string
  }
  progress: {
    label: string
    epoch: string
    step: string
    of: (value: string, total: string) => string
    rate: (value: string) => string
    secondsPerStep: (value: string) => string
    eta: (duration: string) => string
    notStarted: string
    savedUpTo: (step: string) => string
  }
  connection: {
    connecting: string
    live: string
    polling: string
    reconnecting: string
    stale: (ago: string | null) => string
    ended: string
  }
  log: {
    label: string
    empty: string
    loading: string
    jumpToEnd: string
    newLines: (lines: number, formatted: string) => string
    earlier: string
    failed: string
  }
  checkpoints: {
    label: string
    empty: string
    step: (step: string) => string
    unknownStep: string
    verified: string
    notVerified: (problem: string | null) => string
    last: string
    best: string
    savedIn: (duration: string) => string
    showAll: (count: string) => string
    showNewest: string
    reasons: Record<'scheduled' | 'cancel' | 'pause' | 'manual', string>
  }
  receipt: {
    label: string
    none: string
    /** For an action and a status that this version does not know: the words themselves. */
    title: Record<
      'cancel' | 'pause' | 'resume',
      Record<'active' | 'succeeded' | 'failed' | 'superseded' | 'expired', string>
    >
    by: (name: string) => string
    actor: Record<'user' | 'service' | 'rule' | 'system', string>
    actorNamed: (kind: string, name: string) => string
    total: (duration: string) => string
    stage: Record<
      | 'requested'
      | 'accepted'
      | 'delivered'
      | 'acknowledged'
      | 'checkpoint_saved'
      | 'process_exited'
      | 'resources_released',
      string
    >
    state: Record<'done' | 'skipped' | 'not_measured' | 'failed' | 'waiting' | 'not_reached', string>
    after: (duration: string) => string
    seenBy: (who: string) => string
  }
  chart: {
    label: string
    empty: string
    step: string
    seconds: string
    latest: string
    summary: (series: {
      name: string
      latest: string
      at: string
      lowest: string
      lowestAt: string
    }) => string
    /** Beside a held-out loss that has turned. `at`: where it was lowest, such as `Step 320`. */
    risen: (percent: string, at: string) => string
    notFinite: (name: string, value: string, step: string) => string
    checkpoint: string
    stop: string
    table: string
  }
  jobs: {
    label: string
    empty: string
    loading: string
    name: string
    status: string
    progress: string
    started: string
    notStarted: string
    resumed: string
    attempt: (n: string) => string
    more: string
  }
}

/** Some of the messages, at any depth. What is undefined stays as it is. */
export type PartialMessages = DeepPartial<TrainstopMessages>

type DeepPartial<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T

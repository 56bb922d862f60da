import type { WireJob } from '../protocol'
import type { Clock } from '../transports/clock'
import type { MockCaller } from './http/asker'
import type { MockFault } from './http/fault'
import { MockHttp } from './http/mockHttp'
import { type MockJobParameters, MockJobs } from './mock/mockJobs'
import type { MockRun } from './mock/mockRun'
import type { RunPlan } from './mock/runPlan'
import { stageJob } from './mock/stage'
import type { JobState } from './mock/states'
import type { MockTemplate } from './mock/template'
import { VirtualClock } from './virtualClock'

/** What the mock is, and what it begins with. */
export interface MockTrainingServerOptions {
  /**
   * The time it goes by. Default: a virtual one that stands still until `advance` is called. Give `systemClock` for one
   * that runs by itself, in Storybook say; whoever fakes the global timers gets what they do.
   */
  clock?: Clock
  /** What may be started. Default: one, `train`, that takes no parameters. */
  templates?: readonly MockTemplate[]
  /** Where its calls are, in whatever URL. Default `/api/training`. */
  basePath?: string
  /**
   * Who bears this `Authorization` header (null: there is none); null: nobody, which is 401. Default: everybody is let
   * in as a `service`.
   */
  authenticate?: (authorization: string | null) => MockCaller | null
  /** The least that a stop gives a run, in seconds. Default 60, as a real server's. */
  minimumGraceSeconds?: number
  /** Raised when a backup is restored. Default 1. */
  generation?: number
}

/** A training server in memory. */
export interface MockTrainingServer {
  /** Answers as the server would: for `http({ fetch })`, for msw, or for any code that takes a `fetch`. */
  readonly fetch: typeof globalThis.fetch
  /** The one that it goes by. Give it to client and transport as well, and they share one time. */
  readonly clock: Clock
  /** A new job, past HTTP: its id. It starts and trains by its plan. */
  createJob(parameters?: MockJobParameters): string
  /**
   * A new job that is in this state already, with a verified checkpoint (but for `pending` and `starting`): its id. It
   * stays there until it is asked something or told by hand; with a `plan` it goes on from there.
   */
  createJobIn(state: JobState, parameters?: MockJobParameters): string
  /** The job as a call would tell it. Throws for an unknown id. */
  job(jobId: string): WireJob
  /** Tells by hand what a job's process does. */
  run(jobId: string): MockRun
  /** Changes how a job's run goes from now on. */
  changePlan(jobId: string, changes: Partial<RunPlan>): void
  /** The job is removed, for whoever asks from now on. */
  removeJob(jobId: string): void
  /** A job's events are kept no longer, so that who comes back with a cursor gets a `reset`. */
  forgetEvents(jobId: string): void
  /** Something goes wrong with the next call, or the next ones, until the returned function is called. */
  fault(fault: MockFault): () => void
  /** Nothing goes wrong any more. */
  clearFaults(): void
  /** Lets so many seconds pass, and what happens in them. Throws where the server goes by a clock that runs by itself. */
  advance(seconds: number): Promise<void>
  /** As of a restart: every open stream ends, without an `end`. Jobs live on. */
  dropStreams(): void
  /** Ends streams and timers. */
  close(): void
}

/**
 * A training server in memory that follows the real one's rules: its state table, deadlines, receipts, idempotency keys,
 * waits and event streams. It has no process and no disk: runs go by a plan, or by hand.
 */
export function createMockTrainingServer({
  clock = new VirtualClock(),
  templates = [{ id: 'train', title: 'Train' }],
  basePath = '/api/training',
  authenticate = () => ({ kind: 'service' }),
  minimumGraceSeconds = 60,
  generation = 1,
}: MockTrainingServerOptions = {}): MockTrainingServer {
  const jobs = new MockJobs({ clock, generation, templates, minimumGraceSeconds })
  const http = new MockHttp({ jobs, clock, basePath, authenticate })
  return {
    fetch: (input, init) => http.fetch(input, init),
    clock,
    createJob: (parameters) => jobs.create(parameters),
    createJobIn: (state, parameters = {}) => stageJob(jobs, state, parameters),
    job: (jobId) => jobs.job(jobId),
    run: (jobId) => jobs.run(jobId),
    changePlan: (jobId, changes) => jobs.changePlan(jobId, changes),
    removeJob: (jobId) => jobs.remove(jobId),
    forgetEvents: (jobId) => jobs.forgetEvents(jobId),
    fault: (fault) => http.faults.add(fault),
    clearFaults: () => http.faults.clear(),
    async advance(seconds) {
      if (clock instanceof VirtualClock) return clock.play(seconds)
      throw new TypeError(
        'This mock server goes by a clock that runs by itself; give it a VirtualClock to move its time.',
      )
    },
    dropStreams: () => http.dropStreams(),
    close() {
      http.dropStreams()
      jobs.close()
    },
  }
}

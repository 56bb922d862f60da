import type { StartRequest } from '../../protocol'
import type { JobState } from '../mock/states'

/** A server that is to be checked, and what its tests can do to it. What is left out leaves out the checks that need it. */
export interface ServerUnderTest {
  /** Where its calls are, e.g. `http://127.0.0.1:8321/api/training`. */
  url: string
  /** Default: the global one. */
  fetch?: typeof globalThis.fetch
  /** Sent with every call: a token. Default: nothing. */
  headers?: Record<string, string>
  /**
   * Makes a job that is in this state and stays there until `obey` is called: its id. But for `pending` and `starting` it
   * has one verified checkpoint and its script has said that it saves on a schedule and ends epochs. A server of which no
   * more is known than that a job runs has `running` alone.
   */
  stages: Partial<Record<JobState, () => Promise<string>>>
  /** Has the job's run carry out what it is asked, from now on. */
  obey?: (jobId: string) => Promise<void>
  /** Has the job's run end by itself, with exit code 0. */
  finish?: (jobId: string) => Promise<void>
  /** A check is done with this job. */
  release?: (jobId: string) => Promise<void>
  /** The headers of calls for two different owners. */
  owners?: { mine: Record<string, string>; theirs: Record<string, string> }
  /** The headers of a call in this actor's name. */
  asActor?: (actor: { type: string; id: string; name: string | null }) => Record<string, string>
  /** What can be started, and a parameter of it that it refuses. */
  start?: { request: StartRequest; refused?: StartRequest }
}

/** One sentence about the server, and what proves it. */
export interface ConformanceCheck {
  readonly name: string
  /** Rejects with an Error that says what is not as it should be. */
  run(): Promise<void>
}

import type { TrainingError } from '../errors/trainingError'
import type { Job, TrainingEvent } from '../protocol'
import type { Connection } from '../transports/connection'

/** One thing that became known about a job. */
export interface JobUpdate {
  /** The job as it is now known, never older than in the update before. Null until the first snapshot. */
  readonly job: Job | null
  /** What came in, if this update is about an event (new metric rows, more log …). */
  readonly event: TrainingEvent | null
  readonly connection: Connection
  /** What is wrong with the connection, until it is mended. */
  readonly error: TrainingError | null
}

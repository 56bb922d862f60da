import {
  isTrainingError,
  type TrainingError,
  type TrainingErrorCode,
  trainingError,
} from '../../errors/trainingError'
import type { Job, TrainingEvent } from '../../protocol'
import { type KnownUpTo, knownUpTo, withKnownUpTo } from '../../state/reduceJob'
import type { Connection } from '../connection'

/** What a tab knows of a job, so that another one can go on from there. */
export interface Known {
  job: { job: Job; upTo: KnownUpTo } | null
  cursor: string | null
}

export function packJob(job: Job | null): Known['job'] {
  return job && { job, upTo: knownUpTo(job) }
}

export function unpackJob(packed: Known['job']): Job | null {
  return packed && withKnownUpTo(packed.job, packed.upTo)
}

/** What tabs say to each other. Each says who says it. */
export type TabMessage =
  /** I have the connection now, or still: say what you want. */
  | { type: 'lead'; from: string }
  /** All that I watch. With what I know, for a tab that has just begun to lead; null for one that knows it already. */
  | { type: 'want'; from: string; jobs: Record<string, Known | null> }
  /** The answer to a tab that wants a job: how it is now. */
  | {
      type: 'now'
      from: string
      to: string
      jobId: string
      known: Known
      connection: Connection
      error: PackedError | null
    }
  /** What came in, of which all before it came up to the cursor `after`. */
  | {
      type: 'update'
      from: string
      jobId: string
      after: string | null
      event: TrainingEvent | null
      connection: Connection
      error: PackedError | null
      cursor: string | null
    }
  | { type: 'end'; from: string; jobId: string; isFinal: boolean }

/** An error as it travels: what tabs send each other loses all that is not data. */
export type PackedError = Record<string, unknown> & { code: TrainingErrorCode; message: string }

export function packError(error: TrainingError | null): PackedError | null {
  return error && { ...JSON.parse(JSON.stringify({ ...error })), code: error.code, message: error.message }
}

export function unpackError(packed: PackedError | null): TrainingError | null {
  if (packed === null) return null
  const { code, name, ...init } = packed
  const error: unknown = trainingError(
    code,
    init as unknown as Parameters<typeof trainingError<typeof code>>[1],
  )
  return isTrainingError(error) ? error : null
}

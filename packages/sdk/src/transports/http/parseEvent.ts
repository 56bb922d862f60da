import { misunderstood } from '../../errors/misunderstood'
import type { TrainingError } from '../../errors/trainingError'
import type { TrainingEvent } from '../../protocol'
import { readEvent } from '../../protocol/read'

/**
 * What came in. `unknown`: of a type that a newer server invented. `unreadable`: of a type that is known here, and not
 * what it should be, or nothing that makes sense. `jobId`: what it says it is about, as far as it can be seen.
 */
export type ParsedEvent =
  | { kind: 'event'; jobId: string; event: TrainingEvent }
  | { kind: 'unknown'; jobId: string | null }
  | { kind: 'unreadable'; jobId: string | null; error: TrainingError }

/** Reads one event. `secrets` are kept out of what an error shows. */
export function parseEvent(data: string, secrets: readonly string[]): ParsedEvent {
  const value = parsed(data)
  const { type, job_id } = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >
  const jobId = typeof job_id === 'string' ? job_id : null
  const read = readEvent(value)
  if (read.ok) return { kind: 'event', jobId: read.value.job_id, event: read.value }
  // The first thing that is looked at, so nothing else was wrong before it.
  if (read.where === 'type' && typeof type === 'string') return { kind: 'unknown', jobId }
  const error = misunderstood('An event of the training server', read.where, data, secrets)
  return { kind: 'unreadable', jobId, error }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

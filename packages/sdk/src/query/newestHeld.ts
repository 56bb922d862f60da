import type { Job } from '../protocol'
import { comparePositions, type Position } from '../state/jobOrder'

/*
 * TanStack Query asks structural sharing about everything that a query shows: what was fetched, what `setQueryData` put
 * there, placeholders of another query, and whatever `select` makes of it. Only what has a place in a job's history can
 * be compared; anything else is passed through.
 */

/** Of two jobs that are the same one, the newer; `incoming` for all else. */
export function newerOf(held: unknown, incoming: unknown): unknown {
  return isJob(held) && isJob(incoming) && held.id === incoming.id ? laterOf(held, incoming) : incoming
}

/** The one that stands later in the job's history; `incoming` where they stand at the same place. */
export function laterOf<Held extends Position>(held: Held, incoming: Held): Held {
  return comparePositions(incoming, held) >= 0 ? incoming : held
}

export function isJob(value: unknown): value is Job {
  // `status_version` tells a job from the other things that have an id and a place.
  return hasPosition(value) && isText(value, 'id') && 'status_version' in value && isText(value, 'status')
}

export function hasPosition(value: unknown): value is Position {
  return (
    typeof value === 'object' &&
    value !== null &&
    'generation' in value &&
    typeof value.generation === 'number' &&
    'seq' in value &&
    typeof value.seq === 'number'
  )
}

function isText(value: object, field: string): boolean {
  return typeof (value as Record<string, unknown>)[field] === 'string'
}

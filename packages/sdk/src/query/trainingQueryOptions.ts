import type { TrainingClient } from '../client/createTrainingClient'
import { orThrow, type Result } from '../client/result'
import type { TrainingError } from '../errors/trainingError'
import { shareStructure } from './shareStructure'

/** What `useQuery`, `fetchQuery` and their like take. A plain object: no framework is imported for it. */
export interface TrainingQueryOptions<Data, Key extends readonly unknown[]> {
  /** Begins with `trainstop` and the client's key. */
  queryKey: Key
  /** Reads it; throws the action's {@link TrainingError}. Ends with the query's own signal. */
  queryFn: (context: { signal: AbortSignal }) => Promise<Data>
  /** Keeps the parts that did not change, so that a reader of one field does not render for another. */
  structuralSharing: (held: unknown, incoming: unknown) => unknown
  /** Tried even when the browser believes to be offline: a training server may run on the same machine. */
  networkMode: 'always'
  /** Never: the action has tried again already, where that made sense. */
  retry: (failureCount: number, error: TrainingError) => boolean
}

export function trainingQueryOptions<Success extends object, Data, const Key extends readonly unknown[]>(
  client: TrainingClient,
  key: Key,
  action: (signal: AbortSignal) => Promise<Result<Success>>,
  select: (success: Success) => Data,
): TrainingQueryOptions<Data, readonly ['trainstop', string, ...Key]> {
  return {
    queryKey: ['trainstop', client.key, ...key],
    queryFn: async ({ signal }) => select(await orThrow(action(signal))),
    structuralSharing: shareStructure,
    networkMode: 'always',
    retry: () => false,
  }
}

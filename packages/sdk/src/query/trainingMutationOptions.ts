import type { TrainingClient } from '../client/createTrainingClient'
import { orThrow, type Result } from '../client/result'
import type { TrainingError } from '../errors/trainingError'

/** What `useMutation` and its like take. A plain object: no framework is imported for it. */
export interface TrainingMutationOptions<Data, Variables, Key extends readonly unknown[]> {
  /** Begins with `trainstop` and the client's key. */
  mutationKey: Key
  /** Does it; throws the action's {@link TrainingError}. */
  mutationFn: (variables: Variables) => Promise<Data>
  /** Never queued: a stop that is pressed offline must not fire an hour later. It fails at once instead. */
  networkMode: 'always'
  /** Never: the action has tried again already, with one key for the whole intent. */
  retry: (failureCount: number, error: TrainingError) => boolean
}

export function trainingMutationOptions<Success extends object, Variables, const Key extends string>(
  client: TrainingClient,
  name: Key,
  action: (variables: Variables) => Promise<Result<Success>>,
): TrainingMutationOptions<Success, Variables, readonly ['trainstop', string, Key]> {
  return {
    mutationKey: ['trainstop', client.key, name],
    mutationFn: (variables) => orThrow(action(variables)),
    networkMode: 'always',
    retry: () => false,
  }
}

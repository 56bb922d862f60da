import { type UseMutationResult, useMutation } from '@tanstack/react-query'
import type { CancelJobParameters, CancelJobResult, TrainingError } from '@trainstop/sdk'
import { cancelJobMutationOptions } from '@trainstop/sdk/query'
import { useTrainstopContext } from '../provider/TrainstopContext'
import { jobStoreOf } from '../state/jobStore'

export type CancelJobData = Extract<CancelJobResult, { ok: true }>

/**
 * Stops a job. `data.command` is durable when it is answered; watch the job for the end.
 * Never queued while offline: it fails at once, and says so.
 */
export function useCancelJob(): UseMutationResult<CancelJobData, TrainingError, CancelJobParameters> {
  const { client, queryClient } = useTrainstopContext()
  return useMutation(
    {
      ...cancelJobMutationOptions(client),
      onSuccess({ job }) {
        if (job) jobStoreOf(client, job.id).learn(job)
        void queryClient.invalidateQueries({ queryKey: ['trainstop', client.key, 'jobs'] })
      },
    },
    queryClient,
  )
}

import { type UseMutationResult, useMutation } from '@tanstack/react-query'
import type { PauseJobParameters, PauseJobResult, TrainingError } from '@trainstop/sdk'
import { pauseJobMutationOptions } from '@trainstop/sdk/query'
import { useTrainstopContext } from '../provider/TrainstopContext'
import { jobStoreOf } from '../state/jobStore'

export type PauseJobData = Extract<PauseJobResult, { ok: true }>

/**
 * Pauses a job: by default it saves a checkpoint, exits and frees the GPU.
 * Never queued while offline: it fails at once, and says so.
 */
export function usePauseJob(): UseMutationResult<PauseJobData, TrainingError, PauseJobParameters> {
  const { client, queryClient } = useTrainstopContext()
  return useMutation(
    {
      ...pauseJobMutationOptions(client),
      onSuccess({ job }) {
        if (job) jobStoreOf(client, job.id).learn(job)
        void queryClient.invalidateQueries({ queryKey: ['trainstop', client.key, 'jobs'] })
      },
    },
    queryClient,
  )
}

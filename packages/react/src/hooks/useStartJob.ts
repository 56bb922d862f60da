import { type UseMutationResult, useMutation } from '@tanstack/react-query'
import type { StartJobParameters, StartJobResult, TrainingError } from '@trainstop/sdk'
import { startJobMutationOptions } from '@trainstop/sdk/query'
import { useTrainstopContext } from '../provider/TrainstopContext'
import { jobStoreOf } from '../state/jobStore'

export type StartJobData = Extract<StartJobResult, { ok: true }>

/** Starts a job from a template that the operator allows. `data.job` is the new job. */
export function useStartJob(): UseMutationResult<StartJobData, TrainingError, StartJobParameters> {
  const { client, queryClient } = useTrainstopContext()
  return useMutation(
    {
      ...startJobMutationOptions(client),
      onSuccess({ job }) {
        jobStoreOf(client, job.id).learn(job)
        void queryClient.invalidateQueries({ queryKey: ['trainstop', client.key, 'jobs'] })
      },
    },
    queryClient,
  )
}

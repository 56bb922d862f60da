import { type UseMutationResult, useMutation } from '@tanstack/react-query'
import type { ResumeJobParameters, ResumeJobResult, TrainingError } from '@trainstop/sdk'
import { resumeJobMutationOptions } from '@trainstop/sdk/query'
import { useTrainstopContext } from '../provider/TrainstopContext'
import { jobStoreOf } from '../state/jobStore'

export type ResumeJobData = Extract<ResumeJobResult, { ok: true }>

/**
 * Resumes a job from a verified checkpoint. `data.job` is the job to watch: a new one where the old was final.
 * Never queued while offline: it fails at once, and says so.
 */
export function useResumeJob(): UseMutationResult<ResumeJobData, TrainingError, ResumeJobParameters> {
  const { client, queryClient } = useTrainstopContext()
  return useMutation(
    {
      ...resumeJobMutationOptions(client),
      onSuccess({ job }) {
        if (job) jobStoreOf(client, job.id).learn(job)
        void queryClient.invalidateQueries({ queryKey: ['trainstop', client.key, 'jobs'] })
      },
    },
    queryClient,
  )
}

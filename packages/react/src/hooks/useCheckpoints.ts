import { useQuery } from '@tanstack/react-query'
import type { Checkpoint, TrainingError } from '@trainstop/sdk'
import { checkpointsQueryOptions } from '@trainstop/sdk/query'
import { useEffect, useRef } from 'react'
import { useTrainstopContext } from '../provider/TrainstopContext'
import { useJobEvents } from './useJobEvents'
import { useTrainingJob } from './useTrainingJob'

export interface Checkpoints {
  /** Newest first; those that did not verify too. Undefined until the first answer. */
  checkpoints: readonly Checkpoint[] | undefined
  isLoading: boolean
  error: TrainingError | null
  refetch: () => void
}

/** The checkpoints of a job, read again whenever one is added. */
export function useCheckpoints(jobId: string): Checkpoints {
  const { client, queryClient } = useTrainstopContext()
  const query = useQuery(
    {
      ...checkpointsQueryOptions(client, { jobId }),
      refetchInterval: ({ state }) => (state.status === 'error' ? 3000 : false),
    },
    queryClient,
  )
  const { refetch } = query
  // A good checkpoint shows on the job, whatever way that is told; one that did not verify, or is gone, as an event.
  useJobEvents(jobId, (event) => {
    if (
      event.type === 'reset' ||
      (event.type === 'checkpoint' && (!event.data.verified || event.data.removed_at !== null))
    )
      void refetch()
  })
  const last = useTrainingJob(jobId, {
    select: ({ job }) => job && `${job.last_checkpoint?.id} ${job.best_checkpoint?.id}`,
  })
  const known = useRef(last)
  useEffect(() => {
    if (known.current !== undefined && known.current !== last) void refetch()
    known.current = last
  }, [last, refetch])
  return {
    checkpoints: query.data,
    isLoading: query.isPending,
    error: query.error,
    refetch: () => void refetch(),
  }
}

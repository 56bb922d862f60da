import { useQuery } from '@tanstack/react-query'
import type { Job, TrainingError } from '@trainstop/sdk'
import { jobsQueryOptions } from '@trainstop/sdk/query'
import { useTrainstopContext } from '../provider/TrainstopContext'

export interface UseTrainingJobsOptions {
  /** How many of the newest to list. Default: the server's. */
  limit?: number | undefined
  /** Milliseconds between two readings; false: only when asked. Default 2500. */
  refetchInterval?: number | false | undefined
}

export interface TrainingJobs {
  /** Newest first. Undefined until the first answer. */
  jobs: readonly Job[] | undefined
  /** There are more than these. */
  hasMore: boolean
  isLoading: boolean
  /** Why the newest reading failed. `jobs` keeps what was read before. */
  error: TrainingError | null
  refetch: () => void
}

/** The runs that this user may see, read again every few seconds while the page is visible. */
export function useTrainingJobs({
  limit,
  refetchInterval = 2500,
}: UseTrainingJobsOptions = {}): TrainingJobs {
  const { client, queryClient } = useTrainstopContext()
  const query = useQuery(
    {
      ...jobsQueryOptions(client, { limit }),
      refetchInterval,
      // The same runs, more or fewer of them: no blank page between.
      placeholderData: (before) => before,
    },
    queryClient,
  )
  return {
    jobs: query.data?.jobs,
    hasMore: query.data ? query.data.nextCursor !== null : false,
    isLoading: query.isPending,
    error: query.error,
    refetch: () => void query.refetch(),
  }
}

import { useQuery } from '@tanstack/react-query'
import type { Template, TrainingError } from '@trainstop/sdk'
import { capabilitiesQueryOptions } from '@trainstop/sdk/query'
import { useTrainstopContext } from '../provider/TrainstopContext'

export interface ServerCapabilitiesState {
  /** Undefined until the first answer. */
  server: { name: string; version: string } | undefined
  /** What may be started, with the parameters of each. */
  templates: readonly Template[] | undefined
  isLoading: boolean
  error: TrainingError | null
  refetch: () => void
}

/** What the training server can do and start. What can be done with one job is in `job.capabilities`. */
export function useServerCapabilities(): ServerCapabilitiesState {
  const { client, queryClient } = useTrainstopContext()
  const query = useQuery(
    {
      ...capabilitiesQueryOptions(client),
      staleTime: 60_000,
      // A page that was opened while the server was away fills itself when it is back.
      refetchInterval: ({ state }) => (state.status === 'error' ? 3000 : false),
    },
    queryClient,
  )
  return {
    server: query.data?.server,
    templates: query.data?.templates,
    isLoading: query.isPending,
    error: query.error,
    refetch: () => void query.refetch(),
  }
}

import { useQuery } from '@tanstack/react-query'
import type { Command, TrainingError } from '@trainstop/sdk'
import { commandsQueryOptions } from '@trainstop/sdk/query'
import { useEffect, useRef } from 'react'
import { useTrainstopContext } from '../provider/TrainstopContext'
import { useTrainingJob } from './useTrainingJob'

export interface Commands {
  /** Newest first, with their receipts. Undefined until the first answer. */
  commands: readonly Command[] | undefined
  isLoading: boolean
  error: TrainingError | null
  refetch: () => void
}

/** Who stopped, paused and resumed a job, when, why, and what was proven of it; live. */
export function useCommands(jobId: string): Commands {
  const { client, queryClient } = useTrainstopContext()
  const query = useQuery(
    {
      ...commandsQueryOptions(client, { jobId }),
      refetchInterval: ({ state }) => (state.status === 'error' ? 3000 : false),
    },
    queryClient,
  )
  const { refetch } = query
  const pushed = useTrainingJob(jobId, {
    select: ({ job }) => ({ active: job?.command, last: job?.last_command }),
  })
  const known = useRef<string | null>(null)
  const ids =
    pushed.last === undefined ? null : `${pushed.active?.id} ${pushed.last?.id} ${pushed.last?.status}`
  useEffect(() => {
    if (known.current !== null && known.current !== ids) void refetch()
    known.current = ids
  }, [ids, refetch])
  return {
    commands: query.data?.map((command) => newest(command, pushed.active, pushed.last)),
    isLoading: query.isPending,
    error: query.error,
    refetch: () => void refetch(),
  }
}

/** The pushed one of the same command, where it has got further. */
function newest(read: Command, ...pushed: (Command | null | undefined)[]): Command {
  let best = read
  for (const command of pushed) {
    if (command?.id !== read.id) continue
    if (
      command.receipts.length > best.receipts.length ||
      (best.ended_at === null && command.ended_at !== null)
    )
      best = command
  }
  return best
}

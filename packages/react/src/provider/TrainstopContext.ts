import type { QueryClient } from '@tanstack/react-query'
import type { TrainingClient } from '@trainstop/sdk'
import { createContext, useContext } from 'react'
import type { TrainstopMessages } from '../messages/messages'

export interface TrainstopContextValue {
  client: TrainingClient
  queryClient: QueryClient
  messages: TrainstopMessages
}

export const TrainstopContext = createContext<TrainstopContextValue | null>(null)

export function useTrainstopContext(): TrainstopContextValue {
  const value = useContext(TrainstopContext)
  if (!value) {
    throw new Error(
      'Trainstop: there is no <TrainstopProvider> above this component, so it has no client to ask. ' +
        'Wrap the app in <TrainstopProvider client={createTrainingClient({ transport })}>. If it is there already, two ' +
        'copies of @trainstop/react may be bundled.',
    )
  }
  return value
}

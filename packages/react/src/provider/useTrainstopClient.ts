import type { TrainingClient } from '@trainstop/sdk'
import { useTrainstopContext } from './TrainstopContext'

/** The client given to `TrainstopProvider`, for calling the SDK's actions directly. */
export function useTrainstopClient(): TrainingClient {
  return useTrainstopContext().client
}

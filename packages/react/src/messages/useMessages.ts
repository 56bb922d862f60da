import { useTrainstopContext } from '../provider/TrainstopContext'
import type { TrainstopMessages } from './messages'

/** The words to show, as given to `TrainstopProvider`, for components of one's own. */
export function useMessages(): TrainstopMessages {
  return useTrainstopContext().messages
}

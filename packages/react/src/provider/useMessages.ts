import type { TrainstopMessages } from '../messages/messages'
import { useTrainstopContext } from './TrainstopContext'

/** The words to show, as given to `TrainstopProvider`, for components of one's own. */
export function useMessages(): TrainstopMessages {
  return useTrainstopContext().messages
}

import type { TrainingError } from '@trainstop/sdk'
import type { TrainstopMessages } from '../messages/messages'
import { useMessages } from '../provider/useMessages'
import { Icon } from './Icon'

/** What it says of an order that did not get through would be odd of a question that is asked again by itself. */
const unreached = new Set<TrainingError['code']>(['server_unreachable', 'not_sent', 'timeout'])

/** The sentence for an error of reading, which is tried again by itself. */
export function readingSentence(error: TrainingError, { error: words }: TrainstopMessages): string {
  return unreached.has(error.code) ? words.unreached : error.message
}

/**
 * An error where it happened: its sentence, and the request's id for those who look it up in a log. `reading`: nothing
 * was asked for but to be shown something.
 */
export function ErrorMessage({ error, reading = false }: { error: TrainingError; reading?: boolean }) {
  const messages = useMessages()
  return (
    <div className="trainstop-error" role="alert" data-code={error.code}>
      <Icon name="warning" />
      <span>
        {reading ? readingSentence(error, messages) : error.message}
        {error.requestId && error.code === 'internal'
          ? ` (${messages.error.requestId(error.requestId)})`
          : ''}
      </span>
    </div>
  )
}

import type { TrainingError } from '@trainstop/sdk'
import { useMessages } from '../messages/useMessages'
import { Icon } from './Icon'

/** An error where it happened: its sentence, and the request's id for those who look it up in a log. */
export function ErrorMessage({ error }: { error: TrainingError }) {
  const messages = useMessages()
  return (
    <div className="trainstop-error" role="alert" data-code={error.code}>
      <Icon name="warning" />
      <span>
        {error.message}
        {error.requestId && error.code === 'internal'
          ? ` (${messages.error.requestId(error.requestId)})`
          : ''}
      </span>
    </div>
  )
}

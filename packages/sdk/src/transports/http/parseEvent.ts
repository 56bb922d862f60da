import type { EventSourceMessage } from 'eventsource-parser'
import { excerpt } from '../../errors/excerpt'
import { trainingError } from '../../errors/trainingError'
import { eventTypes, type TrainingEvent } from '../../protocol'
import { readEvent } from '../../protocol/read'

/**
 * Reads one event. Null for a type that a newer server invented; throws `invalid_response` for what is no event.
 * `secrets`: values of the request's headers, which that error must not quote.
 */
export function parseEvent(
  { data }: EventSourceMessage,
  secrets: readonly string[] = [],
): TrainingEvent | null {
  const value = parsed(data)
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  if (typeof type === 'string' && !(eventTypes as readonly string[]).includes(type)) return null
  const read = readEvent(value)
  if (read.ok) return read.value
  throw trainingError('invalid_response', {
    message: `An event of the training server could not be understood${read.where ? `: ${read.where} is not what it should be` : ''}.`,
    excerpt: excerpt(data, secrets),
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

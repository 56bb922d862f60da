import type { EventSourceMessage } from 'eventsource-parser'
import * as z from 'zod/mini'
import { excerpt } from '../../errors/excerpt'
import { trainingError } from '../../errors/trainingError'
import { event, eventTypes, type TrainingEvent } from '../../protocol'

/** Reads one event. Null for a type that a newer server invented; throws `invalid_response` for what is no event. */
export function parseEvent({ data }: EventSourceMessage): TrainingEvent | null {
  const value = parsed(data)
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined
  if (typeof type === 'string' && !(eventTypes as readonly string[]).includes(type)) return null
  const read = z.safeParse(event, value)
  if (read.success) return read.data
  const where = read.error.issues[0]?.path.join('.')
  throw trainingError('invalid_response', {
    message: `An event of the training server could not be understood${where ? `: ${where} is not what it should be` : ''}.`,
    excerpt: excerpt(data),
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

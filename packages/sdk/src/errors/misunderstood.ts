import { excerpt } from './excerpt'
import { type TrainingErrorOf, trainingError } from './trainingError'

const longestPlace = 100

/** The error for something that has not the protocol's shape. `where`: the field that differs, '' for all of it. */
export function misunderstood(
  subject: string,
  where: string,
  text: string,
  secrets: readonly string[],
): TrainingErrorOf<'invalid_response'> {
  // A place can be a name that the sender chose, of a parameter or a metric.
  const place = where && `${excerpt(where, secrets, longestPlace)} is not what it should be`
  return trainingError('invalid_response', {
    message: `${subject} could not be understood: ${place || 'it has another shape'}.`,
    excerpt: excerpt(text, secrets),
  })
}

import { describe, expect, expectTypeOf, it } from 'vitest'
import { isTrainingError, type TrainingError, type TrainingErrorCode, trainingError } from './trainingError'

/** Compiles only if every code is there, each with its own fields. */
function own(error: TrainingError): unknown {
  switch (error.code) {
    case 'unauthenticated':
    case 'forbidden':
    case 'job_not_found':
    case 'not_supported':
    case 'no_checkpoint':
    case 'server_unreachable':
    case 'aborted':
    case 'not_sent':
      return null
    case 'invalid_request':
      return error.field
    case 'conflict':
    case 'precondition_failed':
      return error.jobStatus
    case 'rate_limited':
      return error.retryAfterSeconds
    case 'timeout':
      return [error.timeoutSeconds, error.limit]
    case 'outcome_unknown':
      return error.idempotencyKey
    case 'invalid_response':
      return error.excerpt
    case 'internal':
      return error.rawCode
    default:
      return error satisfies never
  }
}

describe('a TrainingError', () => {
  it('is a real error, with a sentence for a person and its own fields', () => {
    const cause = new Error('the reason')
    const error = trainingError('conflict', { jobStatus: 'stopping', status: 409, cause })
    expect(error).toBeInstanceOf(Error)
    expect(String(error)).toBe("TrainingError: The job's state does not allow this.")
    expect(error.cause).toBe(cause)
    expect(own(error)).toBe('stopping')
    expect(error).toMatchObject({ status: 409, requestId: null, arrived: 'yes' })
  })

  it('without a status may have arrived, unless it is known', () => {
    expect(trainingError('timeout', { timeoutSeconds: 5, limit: 'answer' }).arrived).toBe('unknown')
    expect(trainingError('not_sent', { arrived: 'no' }).arrived).toBe('no')
  })

  it('can be written to a log with its sentence, and without its cause', () => {
    const error = trainingError('timeout', { timeoutSeconds: 5, limit: 'answer', cause: new Error('secret') })
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      ...{ name: 'TrainingError', code: 'timeout', timeoutSeconds: 5, limit: 'answer' },
      ...{ message: error.message, status: null, requestId: null, arrived: 'unknown' },
      ...{ idempotencyKey: null, retryAfterSeconds: null },
    })
  })

  it('is told from other errors', () => {
    expect(isTrainingError(trainingError('aborted', {}))).toBe(true)
    expect(isTrainingError(new Error('x'))).toBe(false)
    expect(isTrainingError({ code: 'aborted' })).toBe(false)
  })

  it('has types that are closed and know the fields of each code', () => {
    expectTypeOf<TrainingError['code']>().toEqualTypeOf<TrainingErrorCode>()
    expectTypeOf(trainingError<'conflict'>)
      .returns.toHaveProperty('jobStatus')
      .toEqualTypeOf<string | null>()
    // @ts-expect-error A code has to come with its fields.
    trainingError('timeout', {})
  })
})

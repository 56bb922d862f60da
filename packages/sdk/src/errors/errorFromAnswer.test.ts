import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { serverErrorStatus } from '../protocol'
import { errorFromAnswer } from './errorFromAnswer'
import { isTrainingError } from './trainingError'

const answer = (status: number, body: unknown, readOnly = true) => {
  const text = JSON.stringify(body) ?? ''
  return { status, body, text, requestId: null, retryAfterSeconds: null, secrets: [], readOnly }
}

describe('errorFromAnswer', () => {
  it('makes an error of anything that can come back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 599 }),
        fc.jsonValue(),
        fc.boolean(),
        (status, body, readOnly) => {
          const error = errorFromAnswer(answer(status, body, readOnly))
          expect(isTrainingError(error)).toBe(true)
          expect(error.message).not.toBe('')
          expect(error.status).toBe(status)
        },
      ),
    )
  })

  it.each(Object.entries(serverErrorStatus))(
    'takes the code %s at its word, with its sentence',
    (code, status) => {
      const error = errorFromAnswer(
        answer(status, { success: false, error: 'A sentence.', code, request_id: 'r' }),
      )
      expect(error).toMatchObject({ message: 'A sentence.', requestId: 'r', status })
      // The one code of servers that has another name here: a call that there is not is one that is not supported.
      expect(error.code).toBe(code === 'not_found' ? 'not_supported' : code)
    },
  )

  it('knows what nobody can know', () => {
    const arrived = (status: number, body: unknown, readOnly: boolean) =>
      errorFromAnswer(answer(status, body, readOnly)).arrived
    expect(arrived(502, { success: false, error: 'x', code: 'server_unreachable' }, false)).toBe('no')
    expect(arrived(502, '<html>', false)).toBe('unknown')
    expect(arrived(500, { success: false, error: 'x', code: 'internal' }, false)).toBe('unknown')
    expect(arrived(409, { success: false, error: 'x', code: 'conflict' }, false)).toBe('yes')
  })
})

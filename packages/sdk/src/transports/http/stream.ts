import { errorFromAnswer, invalidResponse } from '../../errors/errorFromAnswer'
import { isTrainingError, type TrainingError, trainingError } from '../../errors/trainingError'
import type { TrainingEvent } from '../../protocol'
import type { HttpContext } from './context'
import { readEventStream } from './eventStream'
import { parseEvent } from './parseEvent'
import { isRedirect, readAnswer, redirected } from './request'
import { eventsRoute } from './route'
import { type SentRequest, send } from './send'

/** So many events in a row that can't be read, and the stream is given up. */
const badEventsBeforeGivingUp = 3

export interface StreamObserver {
  /** The server has said something that makes sense. Comes before what it said. */
  onHeard(): void
  /** It was only a sign of life. */
  onQuiet(): void
  /** `cursor`: where to go on after it, if it says so. `event` is null where it is of a type not known here. */
  onEvent(event: TrainingEvent | null, cursor: string | null): void
  onBadEvent(error: TrainingError): void
}

/**
 * How one connection ended. `end`: the job is over. `closed`: nothing is wrong, it just is not open any more. `unusable`:
 * what is there is no event stream, or not one that can be read.
 */
export type StreamEnd =
  | { kind: 'end'; status: string }
  | { kind: 'closed' }
  | { kind: 'failed'; error: TrainingError }
  | { kind: 'unusable'; error: TrainingError }

/** Opens one stream and reads it to its end. Never rejects. */
export async function openStream(
  context: HttpContext,
  jobId: string,
  cursor: string | null,
  signal: AbortSignal,
  observer: StreamObserver,
): Promise<StreamEnd> {
  try {
    const route = eventsRoute(jobId)
    const sent = await send(context, route, signal, {
      accept: 'text/event-stream',
      ...(cursor !== null && { 'last-event-id': cursor }),
    })
    const { response } = sent
    if (isEventStream(response)) {
      return response.body ? await read(context, sent, response.body, observer) : unreadable(sent)
    }
    const answer = await readAnswer(context, route, sent)
    if (isRedirect(response)) return { kind: 'unusable', error: redirected(answer) }
    if (response.ok) return { kind: 'unusable', error: invalidResponse(answer, 'it is no event stream') }
    const error = errorFromAnswer(answer)
    return { kind: isNoSuchRoute(error) ? 'unusable' : 'failed', error }
  } catch (error) {
    return { kind: 'failed', error: asTrainingError(error) }
  }
}

async function read(
  { stallTimeoutSeconds }: HttpContext,
  { watch, secrets, failure }: SentRequest,
  body: ReadableStream<Uint8Array>,
  observer: StreamObserver,
): Promise<StreamEnd> {
  let outcome: StreamEnd | null = null
  let silent = true
  let badEvents = 0
  try {
    await readEventStream(body, (promise) => watch.guard(promise), {
      onBytes() {
        silent = false
        watch.feed(stallTimeoutSeconds)
      },
      onComment() {
        observer.onHeard()
        observer.onQuiet()
      },
      onMessage(message) {
        if (outcome || watch.signal.aborted) return
        try {
          const event = parseEvent(message, secrets)
          badEvents = 0
          observer.onHeard()
          observer.onEvent(event, message.id ?? null)
          if (event?.type === 'end') outcome = { kind: 'end', status: event.data.status }
        } catch (cause) {
          const error = asTrainingError(cause)
          observer.onBadEvent(error)
          if (++badEvents >= badEventsBeforeGivingUp) outcome = { kind: 'unusable', error }
        }
        if (outcome) watch.abort()
      },
      onOverflow() {
        const message = 'The training server sent an event that is too large.'
        outcome = { kind: 'unusable', error: trainingError('invalid_response', { message, excerpt: '' }) }
      },
    })
    return outcome ?? { kind: 'closed' }
  } catch (cause) {
    if (outcome) return outcome
    if (!watch.timedOut) return { kind: 'failed', error: failure(cause) }
    // A head without a word after it: something between here and there holds the stream back.
    if (silent) return { kind: 'unusable', error: failure(cause) }
    const message = 'The training server has gone silent.'
    return {
      kind: 'failed',
      error: trainingError('timeout', { message, timeoutSeconds: stallTimeoutSeconds, limit: 'silence' }),
    }
  } finally {
    watch.release()
  }
}

function isEventStream(response: Response): boolean {
  return response.ok && /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
}

/** Some fetch implementations can't stream a body, and waiting for the end of this one would take for ever. */
function unreadable({ watch }: SentRequest): StreamEnd {
  watch.abort()
  const message = 'This environment cannot read streams.'
  return { kind: 'unusable', error: trainingError('invalid_response', { message, excerpt: '' }) }
}

/** A server without event streams, or a proxy that knows no such path. The job itself may well be there. */
function isNoSuchRoute({ code }: TrainingError): boolean {
  return code === 'not_supported' || code === 'invalid_response' || code === 'invalid_request'
}

function asTrainingError(error: unknown): TrainingError {
  return isTrainingError(error) ? error : trainingError('internal', { rawCode: null, cause: error })
}

import { errorFromAnswer, invalidResponse } from '../../errors/errorFromAnswer'
import { excerpt } from '../../errors/excerpt'
import { isTrainingError, type TrainingError, trainingError } from '../../errors/trainingError'
import type { TrainingEvent } from '../../protocol'
import type { HttpContext } from './context'
import { readEventStream } from './eventStream'
import { parseEvent } from './parseEvent'
import { isRedirect, readAnswer, redirected } from './request'
import { eventsOfManyRoute, eventsRoute } from './route'
import { type SentRequest, send } from './send'

/** So many events in a row that can't be read, and the stream is given up. */
const badEventsBeforeGivingUp = 3

/** What one connection is asked for: one job by `GET`, or many by `POST`, each with its cursor. */
export type StreamWish = ReadonlyMap<string, string | null>

export interface StreamObserver {
  /** The server has said something that makes sense. Comes before what it said. */
  onHeard(): void
  /** It was only a sign of life. */
  onQuiet(): void
  /** `cursor`: where to go on after it, if it says so. `event` is null where it is of a type not known here. */
  onEvent(jobId: string, event: TrainingEvent | null, cursor: string | null): void
  /** What it told of this job is lost. `cursor`: its id, if it had one, and so was no mere signal. */
  onUnreadable(jobId: string, error: TrainingError, cursor: string | null): void
  /** How many milliseconds the server wants the next connection to wait. */
  onRetry(milliseconds: number): void
}

/**
 * How one connection ended. `closed`: nothing is wrong, it just is not open any more. `refused`: what is there is no
 * event stream, or not one that can be read, or not for this caller; asking again at once would not change that.
 */
export type StreamEnd =
  | { kind: 'closed' }
  | { kind: 'failed'; error: TrainingError }
  | { kind: 'refused'; error: TrainingError }

/** Opens one stream and reads it to its end. Never rejects. */
export async function openStream(
  context: HttpContext,
  wish: StreamWish,
  signal: AbortSignal,
  observer: StreamObserver,
): Promise<StreamEnd> {
  try {
    const only = onlyJob(wish)
    const route = only ? eventsRoute(only.jobId) : eventsOfManyRoute(Object.fromEntries(wish))
    const sent = await send(context, route, signal, {
      accept: 'text/event-stream',
      ...(only?.cursor && { 'last-event-id': only.cursor }),
      ...(route.body !== undefined && { 'content-type': 'application/json' }),
    })
    const { response } = sent
    if (isEventStream(response)) {
      return response.body
        ? await read(context, sent, response.body, only?.jobId ?? null, observer)
        : unreadable(sent)
    }
    const answer = await readAnswer(context, route, sent)
    if (isRedirect(response)) return { kind: 'refused', error: redirected(answer) }
    if (response.ok) return { kind: 'refused', error: invalidResponse(answer, 'it is no event stream') }
    const error = errorFromAnswer(answer)
    return { kind: isRefusal(error) ? 'refused' : 'failed', error }
  } catch (error) {
    return { kind: 'failed', error: asTrainingError(error) }
  }
}

function onlyJob(wish: StreamWish): { jobId: string; cursor: string | null } | null {
  if (wish.size !== 1) return null
  for (const [jobId, cursor] of wish) return { jobId, cursor }
  return null
}

/** `onlyJob`: whose stream it is, where it is one job's. */
async function read(
  { stallTimeoutSeconds }: HttpContext,
  { watch, secrets, failure }: SentRequest,
  body: ReadableStream<Uint8Array>,
  onlyJob: string | null,
  observer: StreamObserver,
): Promise<StreamEnd> {
  let outcome: StreamEnd | null = null
  let silent = true
  let badEvents = 0
  const giveUp = (error: TrainingError) => {
    outcome = { kind: 'refused', error }
    watch.abort()
  }
  /** Only what makes sense is a sign of life: a proxy can send blank lines for ever. */
  const heard = () => {
    silent = false
    watch.feed(stallTimeoutSeconds)
    observer.onHeard()
  }
  try {
    await readEventStream(body, (promise) => watch.guard(promise), {
      onComment() {
        if (watch.signal.aborted) return
        heard()
        observer.onQuiet()
      },
      onMessage({ id, data }) {
        if (watch.signal.aborted) return
        const parsed = parseEvent(data, secrets)
        const jobId = onlyJob ?? parsed.jobId
        if (parsed.kind === 'unreadable') {
          // It could have been about any of them.
          if (jobId === null || ++badEvents >= badEventsBeforeGivingUp) giveUp(parsed.error)
          else observer.onUnreadable(jobId, parsed.error, id)
          return
        }
        badEvents = 0
        heard()
        if (jobId !== null) observer.onEvent(jobId, parsed.kind === 'event' ? parsed.event : null, id)
      },
      onId(id) {
        if (watch.signal.aborted) return
        heard()
        if (onlyJob !== null) observer.onEvent(onlyJob, null, id)
      },
      onRetry: (milliseconds) => observer.onRetry(milliseconds),
      onOverflow(beginning) {
        const message = 'The training server sent an event that is too large.'
        giveUp(trainingError('invalid_response', { message, excerpt: excerpt(beginning, secrets) }))
      },
    })
    return outcome ?? { kind: 'closed' }
  } catch (cause) {
    if (outcome) return outcome
    if (!watch.timedOut) return { kind: 'failed', error: failure(cause) }
    // A head without a word after it: something between here and there holds the stream back.
    if (silent) return { kind: 'refused', error: failure(cause) }
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
  return { kind: 'refused', error: trainingError('invalid_response', { message, excerpt: '' }) }
}

/** The stream is not to be had. The job itself may well be there, and whoever asks may read it. */
function isRefusal({ code }: TrainingError): boolean {
  switch (code) {
    case 'unauthenticated':
    case 'forbidden':
    case 'job_not_found':
    case 'not_supported':
    case 'invalid_request':
    case 'invalid_response':
      return true
    default:
      return false
  }
}

function asTrainingError(error: unknown): TrainingError {
  return isTrainingError(error) ? error : trainingError('internal', { rawCode: null, cause: error })
}

import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import type { TransportCall } from '../transports/transportCall'
import { wait } from '../transports/wait'
import { type Watchdog, watchdog } from '../transports/watchdog'
import { abortable } from './abortable'
import type { TrainingClient } from './createTrainingClient'
import { assertJobId } from './read'
import { asTrainingError } from './result'
import { retryDelay } from './retryDelay'
import { honoursKeys } from './serverKeys'
import { withKey } from './withKey'

/** Calls that change something. Their Idempotency-Key names the intent, however often it has to be sent. */
export type IntentCall = Extract<TransportCall, { idempotencyKey: string }>

export interface Intent<Success> {
  call: IntentCall
  signal: AbortSignal | undefined
  /** Seconds for all of it. Default: `intentTimeoutSeconds`. */
  timeoutSeconds: number | undefined
  /** Reads the answer. Throws `invalid_response`. */
  parse(body: unknown): Success
  /** Looks on the server for what an attempt that got no answer has done. Throws where it can't be told now. */
  settle(signal: AbortSignal): Promise<Settlement<Success>>
}

/** `absent`: the server does not have it, or not yet. `unknown`: this server has no way to tell. */
export type Settlement<Success> = { found: Success } | 'absent' | 'unknown'

/** A person is waiting: sending, sending again and looking what became of it take no longer than this. */
export const intentTimeoutSeconds = 30
/** So much of it is for sending; the rest is kept for the read that settles. */
const sendingShare = 2 / 3
const attempts = 3

/**
 * Sends a call that changes something until it is known what became of it. A failure that leaves it open is settled
 * by a read before anything is sent again or reported. Throws a `TrainingError`, which bears the intent's key.
 */
export async function sendIntent<Success>(client: TrainingClient, intent: Intent<Success>): Promise<Success> {
  const { call, signal, timeoutSeconds = intentTimeoutSeconds } = intent
  const whole = watchdog(client.clock, signal, timeoutSeconds)
  const sending = watchdog(client.clock, whole.signal, timeoutSeconds * sendingShare)
  try {
    if ('jobId' in call) assertJobId(call.jobId)
    return await untilKnown(client, intent, { whole, sending, timeoutSeconds })
  } catch (error) {
    throw withKey(asTrainingError(error), call.idempotencyKey)
  } finally {
    sending.release()
    whole.release()
  }
}

interface Limits {
  whole: Watchdog
  sending: Watchdog
  timeoutSeconds: number
}

async function untilKnown<Success>(
  client: TrainingClient,
  { call, parse, settle }: Intent<Success>,
  { whole, sending, timeoutSeconds }: Limits,
): Promise<Success> {
  let mayHaveArrived = false
  const send = async () =>
    parse(await abortable(sending.signal, client.transport.request(call, { signal: sending.signal })))
  const over = (cause: TrainingError): TrainingError => {
    if (whole.signal.aborted && !whole.timedOut) return givenUp(cause, mayHaveArrived)
    if (mayHaveArrived) return unknown(cause)
    return cause.code === 'aborted'
      ? trainingError('timeout', { timeoutSeconds, limit: 'intent', arrived: 'no' })
      : cause
  }
  for (let attempt = 1; ; attempt++) {
    const error = await send().catch(trainingErrorOnly)
    if (!isTrainingError(error)) return error
    mayHaveArrived ||= error.arrived === 'unknown'
    if (whole.signal.aborted) throw over(error)

    let settlement: 'absent' | 'unknown' = 'absent'
    if (mayHaveArrived) {
      const settled = await settle(whole.signal).catch(() => 'unknown' as const)
      if (typeof settled === 'object') return settled.found
      if (whole.signal.aborted) throw over(error)
      // The server has looked at this very key and refused it, so no attempt before can have been accepted.
      if (isVerdict(error) && honoursKeys(client)) throw error
      settlement = settled
    }

    const delay = mayBeSentAgain(client, call, error, mayHaveArrived)
      ? retryDelay(client, error, attempt)
      : null
    if (delay !== null && attempt < attempts) await wait(client.clock, delay, sending.signal)
    if (whole.signal.aborted) throw over(error)
    if (delay === null || attempt === attempts || sending.signal.aborted) {
      throw mayHaveArrived ? finalError(error, settlement) : over(error)
    }
  }
}

function trainingErrorOnly(error: unknown): TrainingError {
  if (isTrainingError(error)) return error
  throw error
}

function mayBeSentAgain(
  client: TrainingClient,
  call: IntentCall,
  error: TrainingError,
  mayHaveArrived: boolean,
): boolean {
  // Turned away at the door: nothing was looked at, so nothing can happen twice.
  if (!mayHaveArrived) return error.code === 'rate_limited'
  return error.code !== 'invalid_response' && (honoursKeys(client) || isHarmlessTwice(call))
}

/** Stopping what is stopping changes nothing. Resuming twice without a key would start two runs. */
function isHarmlessTwice(call: IntentCall): boolean {
  return call.name === 'controlJob' && call.body.action === 'cancel'
}

function isVerdict({ code, arrived, status }: TrainingError): boolean {
  switch (code) {
    case 'conflict':
    case 'no_checkpoint':
    case 'precondition_failed':
    case 'invalid_request':
    case 'job_not_found':
      return arrived === 'yes'
    case 'not_supported':
      // With these, something on the way says that it knows no such path: the server has looked at nothing.
      return arrived === 'yes' && status !== 404 && status !== 405 && status !== 501
    default:
      return false
  }
}

/** An answer that was no answer is quoted, and so is a server that failed and does not have it. */
function finalError(error: TrainingError, settlement: 'absent' | 'unknown'): TrainingError {
  const { code } = error
  if (code === 'invalid_response' || (code === 'internal' && settlement === 'absent')) return error
  return unknown(error)
}

function unknown(cause: TrainingError): TrainingError {
  const { code, status, requestId, retryAfterSeconds } = cause
  const failed = `${cause.message} It is not known whether this was carried out: check the job's status.`
  const message = code === 'outcome_unknown' ? cause.message : code === 'internal' ? failed : undefined
  return trainingError('outcome_unknown', {
    ...{ message, status, requestId, retryAfterSeconds, cause },
    ...{ idempotencyKey: null, arrived: 'unknown' },
  })
}

function givenUp(cause: TrainingError, mayHaveArrived: boolean): TrainingError {
  if (cause.code === 'aborted' && !mayHaveArrived) return cause
  const message = mayHaveArrived
    ? 'The request was given up before it was answered; it may have been carried out.'
    : undefined
  return trainingError('aborted', { message, arrived: mayHaveArrived ? 'unknown' : 'no', cause })
}

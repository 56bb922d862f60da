import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import { type Backoff, backoffDelay } from '../transports/backoff'
import type { TransportCall } from '../transports/transportCall'
import { wait } from '../transports/wait'
import type { TrainingClient } from './createTrainingClient'

/** Calls that change something. Their Idempotency-Key names the intent, however often it has to be sent. */
export type IntentCall = Extract<TransportCall, { idempotencyKey: string }>

export interface Intent<Success> {
  call: IntentCall
  signal: AbortSignal | undefined
  /** Reads the answer. Throws `invalid_response`. */
  parse(body: unknown): Success
  /** Looks on the server for what an attempt that got no answer has done. Throws where it can't be told. */
  settle(): Promise<Settlement<Success>>
}

/**
 * `absent`: the server does not have it, or not yet. `unanswerable`: this server has no way to tell, and so may take
 * a repeated call for a second one.
 */
export type Settlement<Success> = { found: Success } | 'absent' | 'unanswerable'

const attempts = 3
const backoff: Backoff = { base: 400, cap: 2000 }
/** A person is waiting: after this the call is not sent again, only settled. */
const sendAgainWithinSeconds = 20

/**
 * Sends a call that changes something until it is known what became of it. A failure that leaves it open is settled
 * by a read before anything is sent again or reported. Throws a `TrainingError`.
 */
export async function sendIntent<Success>(client: TrainingClient, intent: Intent<Success>): Promise<Success> {
  const { call, signal } = intent
  const begun = client.clock.now()
  let mayHaveArrived = false
  for (let attempt = 1; ; attempt++) {
    const error = await send(client, intent).catch(asTrainingError)
    if (!isTrainingError(error)) return error
    mayHaveArrived ||= error.arrived === 'unknown'
    if (error.code === 'aborted') throw mayHaveArrived ? abortedOnTheWay(error) : error
    if (!mayHaveArrived) throw error

    const settlement = await intent.settle().catch(() => null)
    if (settlement !== null && typeof settlement === 'object') return settlement.found
    if (signal?.aborted) throw abortedOnTheWay(error)
    // The server has looked at this very key and refused it, so no attempt before can have been accepted.
    if (isVerdict(error)) throw error

    const late = client.clock.now() - begun > sendAgainWithinSeconds * 1000
    const mayRepeat = settlement !== 'unanswerable' || isHarmlessTwice(call)
    if (attempt === attempts || late || !mayRepeat || error.code === 'invalid_response') {
      throw finalError(error, call)
    }
    await wait(client.clock, backoffDelay(client.clock, backoff, attempt), signal)
    if (signal?.aborted) throw abortedOnTheWay(error)
  }
}

async function send<Success>(
  client: TrainingClient,
  { call, signal, parse }: Intent<Success>,
): Promise<Success> {
  return parse(await client.transport.request(call, { signal }))
}

function asTrainingError(error: unknown): TrainingError {
  if (isTrainingError(error)) return error
  throw error
}

/** Stopping what is stopping changes nothing. Resuming twice without a key would start two runs. */
function isHarmlessTwice(call: IntentCall): boolean {
  return call.name === 'controlJob' && call.body.action === 'cancel'
}

function isVerdict(error: TrainingError): boolean {
  switch (error.code) {
    case 'conflict':
    case 'no_checkpoint':
    case 'precondition_failed':
    case 'invalid_request':
    case 'not_supported':
    case 'job_not_found':
      return error.arrived === 'yes'
    default:
      return false
  }
}

/** A server that answered, however badly, is quoted. Where nobody answered, all that is known is that nothing is. */
function finalError(error: TrainingError, { idempotencyKey }: IntentCall): TrainingError {
  if (error.code === 'internal' || error.code === 'invalid_response') return error
  const { status, requestId } = error
  const message = error.code === 'outcome_unknown' ? error.message : undefined
  return trainingError('outcome_unknown', {
    ...{ message, status, requestId, idempotencyKey },
    arrived: 'unknown',
    cause: error,
  })
}

function abortedOnTheWay(cause: TrainingError): TrainingError {
  const message = 'The request was given up before it was answered; it may have been carried out.'
  return trainingError('aborted', { message, arrived: 'unknown', cause })
}

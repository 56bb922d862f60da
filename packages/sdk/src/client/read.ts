import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import { idPattern } from '../protocol'
import type { Reader } from '../protocol/read'
import { type Backoff, backoffDelay } from '../transports/backoff'
import type { TransportCall } from '../transports/transportCall'
import { wait } from '../transports/wait'
import type { TrainingClient } from './createTrainingClient'
import { parseAnswer } from './parseAnswer'

/** A read is tried three times in all, within about a second: enough for a restart of a proxy, not enough to annoy. */
const attempts = 3
const backoff: Backoff = { base: 400, cap: 2000 }
/** Waited for where the server asks for it; a longer wait is the caller's to decide on. */
const longestRetryAfterSeconds = 5

/** Makes a call that changes nothing, again where that may help, and checks the answer. Throws a `TrainingError`. */
export async function read<T>(
  client: TrainingClient,
  call: TransportCall,
  reader: Reader<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await readOnce(client, call, reader, signal)
    } catch (error) {
      if (attempt === attempts || !isTrainingError(error) || !isWorthRetrying(error)) throw error
      const asked = error.code === 'rate_limited' ? (error.retryAfterSeconds ?? 0) * 1000 : 0
      await wait(client.clock, Math.max(asked, backoffDelay(client.clock, backoff, attempt)), signal)
      if (signal?.aborted) throw trainingError('aborted', { arrived: 'no' })
    }
  }
}

/** The same, tried once. */
export async function readOnce<T>(
  client: TrainingClient,
  call: TransportCall,
  reader: Reader<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if ('jobId' in call) assertJobId(call.jobId)
  return parseAnswer(reader, await client.transport.request(call, { signal }))
}

/** What can't be an id of a job is not sent: a server would answer the same. */
export function assertJobId(jobId: string): void {
  if (!idPattern.test(jobId)) throw trainingError('job_not_found', { arrived: 'no' })
}

function isWorthRetrying(error: TrainingError): boolean {
  switch (error.code) {
    case 'server_unreachable':
    case 'internal':
      return true
    case 'rate_limited':
      return (error.retryAfterSeconds ?? 0) <= longestRetryAfterSeconds
    default:
      return false
  }
}

import { isTrainingError, type TrainingError, trainingError } from '../errors/trainingError'
import { idPattern } from '../protocol'
import type { Reader } from '../protocol/read'
import type { TransportCall } from '../transports/transportCall'
import { wait } from '../transports/wait'
import { abortable } from './abortable'
import type { TrainingClient } from './createTrainingClient'
import { parseAnswer } from './parseAnswer'
import { retryDelay } from './retryDelay'
import { learnFrom } from './serverKeys'

/** A read is tried three times in all. */
const attempts = 3

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
      const delay = retryDelay(client, error, attempt)
      if (delay === null) throw error
      await wait(client.clock, delay, signal)
      if (signal?.aborted) throw trainingError('aborted', { arrived: 'no', cause: signal.reason })
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
  const body = await abortable(signal, client.transport.request(call, { signal }))
  const value = parseAnswer(reader, body)
  learnFrom(client, call)
  return value
}

/** What can't be an id of a job is not sent: a server would answer the same. */
export function assertJobId(jobId: unknown): void {
  if (typeof jobId !== 'string' || !idPattern.test(jobId)) {
    throw trainingError('job_not_found', { arrived: 'no' })
  }
}

/** As for a job: the error is what a server says of a command that there is not. */
export function assertCommandId(commandId: unknown): void {
  if (typeof commandId !== 'string' || !idPattern.test(commandId)) {
    throw trainingError('not_supported', { message: 'The job has no such command.', arrived: 'no' })
  }
}

function isWorthRetrying({ code }: TrainingError): boolean {
  return code === 'server_unreachable' || code === 'internal' || code === 'rate_limited'
}

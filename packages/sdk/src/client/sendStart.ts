import type { Job, StartRequest } from '../protocol'
import { readCapabilitiesAnswer, readJobAnswer } from '../protocol/read'
import type { TrainingClient } from './createTrainingClient'
import { assertIdempotencyKey } from './idempotencyKey'
import { newIdempotencyKey } from './newIdempotencyKey'
import { parseAnswer } from './parseAnswer'
import { readOnce } from './read'
import { sendIntent } from './sendIntent'
import { honoursKeys } from './serverKeys'

export interface StartOptions {
  idempotencyKey: string | undefined
  timeoutSeconds: number | undefined
  signal: AbortSignal | undefined
}

/** Starts a job. Throws a `TrainingError`. */
export async function sendStart(
  client: TrainingClient,
  body: StartRequest,
  { idempotencyKey = newIdempotencyKey(), timeoutSeconds, signal }: StartOptions,
): Promise<Job> {
  assertIdempotencyKey(idempotencyKey)
  return sendIntent(client, {
    call: { name: 'startJob', body, idempotencyKey },
    signal,
    timeoutSeconds,
    parse: (answer) => parseAnswer(readJobAnswer, answer).job,
    async settle(signal) {
      // No read finds a job by its key, but sending the key again does, where the server honours it: that can be asked.
      if (!honoursKeys(client)) {
        await readOnce(client, { name: 'getCapabilities' }, readCapabilitiesAnswer, signal)
      }
      return 'unknown'
    },
  })
}

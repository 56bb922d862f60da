import type { Job, StartRequest } from '../protocol'
import { readJobAnswer } from '../protocol/read'
import type { TrainingClient } from './createTrainingClient'
import { newIdempotencyKey } from './newIdempotencyKey'
import { parseAnswer } from './parseAnswer'
import { sendIntent } from './sendIntent'

/** Starts a job. Throws a `TrainingError`. */
export function sendStart(
  client: TrainingClient,
  body: StartRequest,
  idempotencyKey = newIdempotencyKey(),
  signal: AbortSignal | undefined,
): Promise<Job> {
  return sendIntent(client, {
    call: { name: 'startJob', body, idempotencyKey },
    signal,
    parse: (answer) => parseAnswer(readJobAnswer, answer).job,
    // No read finds a job by its key, but sending the key again does: servers that can start jobs honour it.
    settle: async () => 'absent',
  })
}

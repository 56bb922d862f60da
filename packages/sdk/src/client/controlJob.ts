import { isTrainingError } from '../errors/trainingError'
import {
  type Command,
  type ControlRequest,
  isTerminal,
  type Job,
  type Outcome,
  type StopReason,
} from '../protocol'
import { readCommand, readCommandsAnswer, readControlAnswer, readJob, readJobAnswer } from '../protocol/read'
import type { TrainingClient } from './createTrainingClient'
import { assertIdempotencyKey } from './idempotencyKey'
import { newIdempotencyKey } from './newIdempotencyKey'
import { parseAnswer, wrongAnswer } from './parseAnswer'
import { readOnce } from './read'
import { type Result, resultOf } from './result'
import { type Settlement, sendIntent } from './sendIntent'
import { rememberKeys } from './serverKeys'

/** What cancel, pause and resume have in common. */
export interface ControlJobParameters {
  jobId: string
  /** Why, for the job's history. */
  reason?: StopReason | undefined
  /** Why, in a person's own words; up to 2,000 characters. */
  note?: string | undefined
  /** Names this intent: a repeated call with the same key joins its command. Default: a new one for each call. */
  idempotencyKey?: string | undefined
  /** Seconds after which what is known by then is told. They cover every retry and the read that settles. Default 30. */
  timeoutSeconds?: number | undefined
  signal?: AbortSignal | undefined
}

/** What cancel, pause and resume resolve with. */
export interface ControlJobSuccess {
  outcome: Outcome
  /** The durable command. Null for a `no_op`, and where a minimal server tells none. */
  command: Command | null
  /** The job after it. Null where a minimal server tells none. */
  job: Job | null
}
/** What cancel, pause and resume come to. */
export type ControlJobResult = Result<ControlJobSuccess>

/** Sends one control call, until it is known what became of it. */
export function controlJob(
  client: TrainingClient,
  { jobId, idempotencyKey = newIdempotencyKey(), timeoutSeconds, signal }: ControlJobParameters,
  body: ControlRequest,
  statusVersion?: number | null,
): Promise<ControlJobResult> {
  return resultOf(async () => {
    assertIdempotencyKey(idempotencyKey)
    const condition = statusVersion == null ? {} : { statusVersion }
    return sendIntent(client, {
      call: { name: 'controlJob', jobId, body, idempotencyKey, ...condition },
      signal,
      timeoutSeconds,
      parse(answer) {
        const success = parseControl(answer, jobId, body)
        if (success.command?.idempotency_key === idempotencyKey) rememberKeys(client)
        return success
      },
      settle: (signal) => findCommand(client, { jobId, idempotencyKey, signal }, body),
    })
  })
}

/** `result` may hold anything: what of it can be read, is. */
function parseControl(body: unknown, jobId: string, { action }: ControlRequest): ControlJobSuccess {
  const answer = parseAnswer(readControlAnswer, body)
  // About another call.
  if (answer.action !== action) throw wrongAnswer(body, 'action')
  if (answer.job_id !== jobId) throw wrongAnswer(body, 'job_id')
  const result =
    typeof answer.result === 'object' ? (answer.result as Partial<ControlJobSuccess> | null) : null
  const command = readCommand(result?.command)
  const job = readJob(result?.job)
  return {
    outcome: result?.outcome === 'no_op' ? 'no_op' : 'accepted',
    command: command.ok ? command.value : null,
    job: job.ok ? job.value : null,
  }
}

/** Looks for the command that has this intent's key. */
async function findCommand(
  client: TrainingClient,
  { jobId, idempotencyKey, signal }: ControlJobParameters,
  { action }: ControlRequest,
): Promise<Settlement<ControlJobSuccess>> {
  const isOurs = (candidate: Command | null) => candidate?.idempotency_key === idempotencyKey
  const jobOf = async (id: string) =>
    (await readOnce(client, { name: 'getJob', jobId: id }, readJobAnswer, signal)).job
  try {
    const job = await jobOf(jobId)
    let ours = [job.command, job.last_command].find(isOurs)
    if (!ours) {
      const all = await readOnce(client, { name: 'listCommands', jobId }, readCommandsAnswer, signal)
      ours = all.commands.find(isOurs)
    }
    if (ours) {
      // Resuming a final job makes a new one, which is what the caller wants to see.
      const resumed = action === 'resume' ? job.resumed_as : null
      const shown = resumed === null ? job : await jobOf(resumed)
      return { found: { outcome: 'accepted', command: ours, job: shown } }
    }
    // Whatever became of the call, a job that is over can't be stopped any more.
    if (action === 'cancel' && isTerminal(job.status))
      return { found: { outcome: 'no_op', command: null, job } }
    return 'absent'
  } catch (error) {
    if (isTrainingError(error) && error.code === 'not_supported') return 'unknown'
    throw error
  }
}

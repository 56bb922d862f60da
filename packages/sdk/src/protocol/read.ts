import * as z from 'zod/mini'
import * as answers from './schemas/answer'
import { command } from './schemas/command'
import * as control from './schemas/control'
import { event, eventsRequest } from './schemas/event'
import { job } from './schemas/job'

/** What came in, checked and as a client works with it; or where it is not what it should be (`job.seq`; '': all of it). */
export type Read<T> = { ok: true; value: T } | { ok: false; where: string }
export type Reader<T> = (value: unknown) => Read<T>

/** The only door through which anything foreign is checked against the protocol. */
export const readJob = reader(job)
export const readCommand = reader(command)
export const readEvent = reader(event)
export const readEventsRequest = reader(eventsRequest)

/** What each call answers. */
export const readControlAnswer = reader(control.controlAnswer)
export const readJobAnswer = reader(answers.jobAnswer)
export const readJobsAnswer = reader(answers.jobsAnswer)
export const readCommandAnswer = reader(answers.commandAnswer)
export const readCommandsAnswer = reader(answers.commandsAnswer)
export const readCheckpointsAnswer = reader(answers.checkpointsAnswer)
export const readMetricsAnswer = reader(answers.metricsAnswer)
export const readLogsAnswer = reader(answers.logsAnswer)
export const readCapabilitiesAnswer = reader(answers.capabilitiesAnswer)

function reader<Schema extends z.ZodMiniType>(schema: Schema): Reader<z.output<Schema>> {
  return (value) => {
    const parsed = z.safeParse(schema, value)
    if (parsed.success) return { ok: true, value: parsed.data }
    return { ok: false, where: parsed.error.issues[0]?.path.join('.') ?? '' }
  }
}

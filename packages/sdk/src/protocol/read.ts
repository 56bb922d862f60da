import { check, type Table } from './check'
import * as tables from './compiled/tables'
import type * as t from './compiled/types'

/** What came in, checked and as a client works with it; or where it is not what it should be (`job.seq`; '': all of it). */
export type Read<T> = { ok: true; value: T } | { ok: false; where: string }
export type Reader<T> = (value: unknown) => Read<T>

/** The only door through which anything foreign is checked against the protocol. */
export const readJob: Reader<t.Job> = (value) => read(tables.job, value)
export const readCommand: Reader<t.Command> = (value) => read(tables.command, value)
export const readEvent: Reader<t.TrainingEvent> = (value) => read(tables.event, value)
export const readEventsRequest: Reader<t.EventsRequest> = (value) => read(tables.eventsRequest, value)

/** What each call answers. */
export const readControlAnswer: Reader<t.ControlAnswer> = (value) => read(tables.controlAnswer, value)
export const readJobAnswer: Reader<t.JobAnswer> = (value) => read(tables.jobAnswer, value)
export const readJobsAnswer: Reader<t.JobsAnswer> = (value) => read(tables.jobsAnswer, value)
export const readCommandAnswer: Reader<t.CommandAnswer> = (value) => read(tables.commandAnswer, value)
export const readCommandsAnswer: Reader<t.CommandsAnswer> = (value) => read(tables.commandsAnswer, value)
export const readCheckpointsAnswer: Reader<t.CheckpointsAnswer> = (value) =>
  read(tables.checkpointsAnswer, value)
export const readMetricsAnswer: Reader<t.MetricsAnswer> = (value) => read(tables.metricsAnswer, value)
export const readLogsAnswer: Reader<t.LogsPage> = (value) => read(tables.logsAnswer, value)
export const readCapabilitiesAnswer: Reader<t.ServerCapabilities> = (value) =>
  read(tables.capabilitiesAnswer, value)

function read<T>(table: Table, value: unknown): Read<T> {
  return check(table, value) as Read<T>
}

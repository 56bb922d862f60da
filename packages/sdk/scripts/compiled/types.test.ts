import { expectTypeOf, it } from 'vitest'
import type * as z from 'zod/mini'
import type * as types from '../../src/protocol/compiled/types'
import type * as schemas from '../../src/protocol/schemas'
import type { typeNames } from './typeNames'

type Names = typeof typeNames
type Written = {
  JobAnswer: types.JobAnswer
  JobsAnswer: types.JobsAnswer
  CommandAnswer: types.CommandAnswer
  CommandsAnswer: types.CommandsAnswer
  CheckpointsAnswer: types.CheckpointsAnswer
  MetricsAnswer: types.MetricsAnswer
  LogsPage: types.LogsPage
  TemplateParam: types.TemplateParam
  Template: types.Template
  ServerCapabilities: types.ServerCapabilities
  Capability: types.Capability
  Capabilities: types.Capabilities
  Checkpoint: types.Checkpoint
  Actor: types.Actor
  Command: types.Command
  ControlRequest: types.ControlRequest
  ControlAnswer: types.ControlAnswer
  ControlResult: types.ControlResult
  StartRequest: types.StartRequest
  ErrorAnswer: types.ErrorAnswer
  WireEvent: types.WireEvent
  TrainingEvent: types.TrainingEvent
  EventsRequest: types.EventsRequest
  JobEnd: types.JobEnd
  JobWarning: types.JobWarning
  WireJob: types.WireJob
  Job: types.Job
  MetricValue: types.MetricValue
  LatestMetric: types.LatestMetric
  MetricColumns: types.MetricColumns
  Progress: types.Progress
  Receipt: types.Receipt
  ReportRequest: types.ReportRequest
}
type Inferred = { [Name in keyof Names]: z.output<(typeof schemas)[Names[Name]]> }

/** The names whose two types are not one and the same. */
type Differing = {
  [Name in keyof Names]: Same<Written[Name], Inferred[Name]> extends true ? never : Name
}[keyof Names]
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

it('each type that is written out is what its schema gives', () => {
  expectTypeOf<Differing>().toEqualTypeOf<never>()
})

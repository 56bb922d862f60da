import * as s from '../../src/protocol/schemas'

/** What the SDK reads, and therefore has compiled. `src/protocol/read.ts` has a reader for each. */
export const readSchemas = [
  s.job,
  s.command,
  s.event,
  s.eventsRequest,
  s.controlAnswer,
  s.jobAnswer,
  s.jobsAnswer,
  s.commandAnswer,
  s.commandsAnswer,
  s.checkpointsAnswer,
  s.metricsAnswer,
  s.logsAnswer,
  s.capabilitiesAnswer,
]

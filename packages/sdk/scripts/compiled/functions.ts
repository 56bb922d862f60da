import { fitsOneStream } from '../../src/protocol/event'
import { workingJob } from '../../src/protocol/job'

/** The functions that schemas call. Code can't be read out of a schema, so each is named here, with its module. */
export const functions = new Map<unknown, { name: string; from: string }>([
  [fitsOneStream, { name: 'fitsOneStream', from: '../event' }],
  [workingJob, { name: 'workingJob', from: '../job' }],
])

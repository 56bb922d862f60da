import { ofOneStream } from '../../src/protocol/event'
import { workingJob } from '../../src/protocol/job'

/**
 * The functions that schemas call. Code can't be read out of a schema, so each is named here, with its module. A
 * refinement returns the value itself, or undefined where it does not fit; a transform never returns undefined.
 */
export const functions = new Map<unknown, { name: string; from: string }>([
  [ofOneStream, { name: 'ofOneStream', from: '../event' }],
  [workingJob, { name: 'workingJob', from: '../job' }],
])

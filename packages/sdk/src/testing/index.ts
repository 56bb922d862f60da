/** A training server in memory, for tests and stories, and checks for servers and transports of your own. */
export { type ServerChecksOptions, serverChecks } from './conformance/serverChecks'
export type { ConformanceCheck, ServerUnderTest } from './conformance/serverUnderTest'
export { type TransportUnderTest, transportChecks } from './conformance/transportChecks'
export {
  createMockTrainingServer,
  type MockTrainingServer,
  type MockTrainingServerOptions,
} from './createMockTrainingServer'
export type { MockCaller } from './http/asker'
export type { CallFault, MockCallName, MockFault, StreamFault } from './http/fault'
export type { MockJobParameters } from './mock/mockJobs'
export { MockRun } from './mock/mockRun'
export type { RunPlan } from './mock/runPlan'
export { type JobState, jobStates } from './mock/states'
export type { MockTemplate } from './mock/template'
export { VirtualClock, type VirtualClockOptions } from './virtualClock'

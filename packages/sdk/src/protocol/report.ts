/** What a run says about itself; their fields are those of the rank journal in docs/architecture.md. */
export const reportedFacts = [
  'attached',
  'progress',
  'metrics',
  'acknowledged',
  'saving',
  'checkpoint',
  'checkpoint_failed',
  'checkpoint_removed',
  'left',
  'dropped',
] as const

/** The modes of a stop, the gentlest first. */
export const stopModes = ['graceful', 'checkpoint', 'epoch', 'force'] as const
/** How to stop: finish the step and save; at the next scheduled checkpoint; at the end of the epoch; kill now. */
export type StopMode = (typeof stopModes)[number]

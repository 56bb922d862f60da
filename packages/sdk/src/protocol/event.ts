/** What an event can tell. A newer server may tell more. */
export const eventTypes = [
  'job',
  'command',
  'checkpoint',
  'metrics',
  'log',
  'reset',
  'end',
  'bookmark',
  'gone',
] as const
/** One of `eventTypes`. */
export type EventType = (typeof eventTypes)[number]

/** The most jobs that one stream (`POST /events`) can be of. */
export const maxJobsPerStream = 10_000

/** These jobs, if they are as many as one stream can be of: one at least. */
export function ofOneStream<Jobs extends object>(jobs: Jobs): Jobs | undefined {
  const count = Object.keys(jobs).length
  return count >= 1 && count <= maxJobsPerStream ? jobs : undefined
}

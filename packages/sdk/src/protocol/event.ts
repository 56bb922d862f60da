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

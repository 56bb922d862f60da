/** `18:09:00.123`, or with the day before it when that is not today's. For receipts, where fractions count. */
export function formatPreciseTime(at: string, locale: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    hourCycle: 'h23',
  }).format(new Date(at))
}

/** Day and minute, for lists. */
export function formatMoment(at: string, locale: string | undefined): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(new Date(at))
}

/** Seconds from `from` to `to`, both RFC 3339 or milliseconds since the epoch. */
export function secondsBetween(from: string | number, to: string | number): number {
  return (new Date(to).getTime() - new Date(from).getTime()) / 1000
}

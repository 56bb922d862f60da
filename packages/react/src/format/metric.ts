import type { MetricValue } from '@trainstop/sdk'

/** A metric with four significant digits, so that 0.2134 and 2134 can be read off alike. `–` for none. */
export function formatMetric(value: MetricValue | null | undefined, locale: string | undefined): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'string') return value
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(3)
  return new Intl.NumberFormat(locale, { minimumSignificantDigits: 4, maximumSignificantDigits: 4 }).format(
    value,
  )
}

/** A number with at most `digits` decimals, grouped as `locale` does from five digits on: a step stays `1315`. */
export function formatCount(value: number, locale: string | undefined, digits = 0): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits, useGrouping: 'min2' }).format(value)
}

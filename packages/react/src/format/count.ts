/** A whole number or a fraction with at most `digits` decimals, grouped as `locale` does. */
export function formatCount(value: number, locale: string | undefined, digits = 0): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)
}

/** A share of something, in whole percent: 0.45 is `45%`. */
export function formatShare(share: number, locale: string | undefined): string {
  return new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 }).format(share)
}

/**
 * A duration for a person, in two units at most: `0.4 s`, `40 s`, `2 min 5 s`, `1 h 3 min`, `2 d 4 h`. Under ten
 * seconds one decimal is kept, under one second whole milliseconds.
 */
export function englishDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  const positive = Math.max(0, seconds)
  if (positive < 0.9995) return positive === 0 ? '0 s' : `${Math.max(1, Math.round(positive * 1000))} ms`
  if (positive < 9.95) return `${Number(positive.toFixed(1))} s`
  const whole = Math.round(positive)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return two(whole, 60, 'min', 1, 's')
  if (whole < 86_400) return two(Math.round(whole / 60) * 60, 3600, 'h', 60, 'min')
  return two(Math.round(whole / 3600) * 3600, 86_400, 'd', 3600, 'h')
}

function two(seconds: number, bigSize: number, big: string, smallSize: number, small: string): string {
  const first = Math.floor(seconds / bigSize)
  const second = Math.floor((seconds - first * bigSize) / smallSize)
  return second === 0 ? `${first} ${big}` : `${first} ${big} ${second} ${small}`
}

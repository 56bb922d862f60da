/** The metrics that a chart shows by itself: the losses, train before the others, or else the first two of any. */
export function chosenMetrics(names: readonly string[]): string[] {
  const losses = names.filter((name) => /loss/i.test(name)).slice(0, 4)
  if (losses.length === 0) return names.slice(0, 2)
  const rank = (name: string) => (/train/i.test(name) ? 0 : 1)
  return losses.sort((a, b) => rank(a) - rank(b))
}

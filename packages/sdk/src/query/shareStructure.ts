/**
 * `incoming`, with every part that equals its counterpart in `held` replaced by that very object. For plain JSON.
 */
export function shareStructure(held: unknown, incoming: unknown): unknown {
  if (Object.is(held, incoming)) return held
  if (typeof held !== 'object' || typeof incoming !== 'object' || held === null || incoming === null)
    return incoming
  if (Array.isArray(held) !== Array.isArray(incoming)) return incoming
  if (Array.isArray(incoming)) {
    const before = held as unknown[]
    const shared = incoming.map((item, index) =>
      index < before.length ? shareStructure(before[index], item) : item,
    )
    return before.length === shared.length && shared.every((item, index) => Object.is(item, before[index]))
      ? held
      : shared
  }
  const before = held as Record<string, unknown>
  const shared = Object.fromEntries(
    Object.entries(incoming).map(([name, value]) => [
      name,
      Object.hasOwn(before, name) ? shareStructure(before[name], value) : value,
    ]),
  )
  const names = Object.keys(shared)
  const same =
    names.length === Object.keys(before).length &&
    names.every((name) => Object.hasOwn(before, name) && Object.is(shared[name], before[name]))
  return same ? held : shared
}

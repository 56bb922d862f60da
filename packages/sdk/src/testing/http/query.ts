import { Refusal } from '../mock/refusal'

/** A whole number of a URL's query, within bounds. Throws a Refusal. */
export function numberIn(
  url: URL,
  name: string,
  { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = {},
): number | null {
  const text = url.searchParams.get(name)
  if (text === null) return null
  const value = /^-?[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (value >= minimum && value <= maximum) return value
  const sentence = `${name} must be a whole number from ${minimum} to ${maximum}.`
  throw new Refusal('invalid_request', sentence, { field: name })
}

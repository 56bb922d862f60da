import * as z from 'zod/mini'
import { idPattern } from '../id'

/** An id of a job, a command, a checkpoint or a template. */
export const id = z.string().check(z.regex(idPattern))

/** RFC 3339 in UTC, e.g. `2026-11-23T18:09:00.123Z`. */
export const timestamp = z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/))

/** A whole number that counts something: 0, 1, 2 … */
export const count = z.int().check(z.minimum(0))

/** A duration in seconds, as every field ending in `_seconds`. */
export const seconds = z.number().check(z.minimum(0))

/**
 * An enumeration that a newer server may extend: the known values are typed, any other string is kept as it is.
 * Never map an unknown value onto a known one.
 */
export function open<const Values extends readonly [string, ...string[]]>(values: Values) {
  return z.union([z.enum(values), z.string()]) as unknown as z.ZodMiniType<
    Values[number] | (string & {}),
    Values[number] | (string & {})
  >
}

import * as z from 'zod/mini'
import { Refusal } from '../mock/refusal'
import type { Received } from './received'

/** The most that a body may have, in bytes; what asks for many streams at once may be longer. */
export const mostBodyBytes = 64 * 1024
export const mostEventsBodyBytes = 2 * 1024 * 1024

/** The body's JSON object; no body is an empty one. Throws a Refusal. */
export function readBody({ body, headers }: Received, limit = mostBodyBytes): object {
  if (body.length > limit) throw unreadable(413, `The body is too large; ${limit / 1024} KiB is the most.`)
  if (body.length === 0) return {}
  const type = (headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw unreadable(415, 'The body must be JSON; send it with Content-Type: application/json.')
  const value = parsed(body)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable(422, 'The body must be a JSON object.')
  if (!isPrintable(value)) {
    const sentence = 'The body must not contain control characters other than line breaks and tabs.'
    throw unreadable(422, sentence)
  }
  return value
}

/** Throws a Refusal that names the first wrong field. */
export function parseBody<Schema extends z.ZodMiniType>(schema: Schema, value: object): z.output<Schema> {
  const found = z.safeParse(schema, value)
  if (found.success) return found.data
  const path = found.error.issues[0]?.path ?? []
  const field = path.slice(0, 2).join('.') || null
  throw new Refusal('invalid_request', `${field ?? 'The body'} has a value that it does not take.`, { field })
}

function parsed(body: Uint8Array<ArrayBuffer>): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (isJson(value)) return value
  } catch {
    // Said below.
  }
  throw unreadable(400, 'The body is not valid JSON.')
}

/** JavaScript reads `1e999` as infinity, which is no JSON. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isJson)
}

function isPrintable(value: unknown): boolean {
  if (typeof value === 'string') return !/[^\P{Cc}\n\t]|\p{Cs}/u.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([key, each]) => isPrintable(key) && isPrintable(each))
}

function unreadable(status: number, sentence: string): Refusal {
  return new Refusal('invalid_request', sentence, { status })
}

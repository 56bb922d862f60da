import * as z from 'zod/mini'
import { idPattern } from '../../protocol/id'
import { actor as actorSchema } from '../../protocol/schemas/command'
import type { Asked } from '../mock/asked'
import { noSuchJob, Refusal } from '../mock/refusal'
import type { Received } from './received'

/**
 * Who bears a token. `service`: a host's handler, which names actor and owner in headers, or an operator. A person is
 * their own actor and sees only their own jobs.
 */
export type MockCaller = { kind: 'service' } | { kind: 'user'; id: string; name?: string | null }

/** Whose jobs exist for this request; null: everybody's. Throws a Refusal. */
export function ownerOf(received: Received, caller: MockCaller): string | null {
  return caller.kind === 'user' ? caller.id : decoded(received, 'Trainstop-Owner')
}

/** Throws a Refusal for headers that can't be understood. */
export function askedBy(received: Received, caller: MockCaller, { ifMatch = false } = {}): Asked {
  return {
    actor: actorOf(received, caller),
    owner: ownerOf(received, caller),
    idempotencyKey: keyOf(received),
    statusVersions: ifMatch ? statusVersionsOf(received) : null,
  }
}

/** One that no job can have is no job. */
export function jobIdOf(text: string): string {
  if (!idPattern.test(text)) throw noSuchJob()
  return text
}

function actorOf(received: Received, caller: MockCaller): Asked['actor'] {
  if (caller.kind === 'user') return { type: 'user', id: caller.id, name: caller.name ?? null }
  const text = decoded(received, 'Trainstop-Actor')
  if (text === null) return { type: 'service', id: null, name: null }
  try {
    return z.parse(actorSchema, JSON.parse(text))
  } catch {
    throw wrong('Trainstop-Actor', 'must be the URI-encoded JSON of {type, id, name}')
  }
}

function keyOf({ headers }: Received): string | null {
  const key = headers.get('idempotency-key')
  if (key === null || /^[!-~]{1,200}$/.test(key)) return key
  throw wrong('Idempotency-Key', 'must be one text of 1 to 200 printable characters without spaces')
}

function statusVersionsOf({ headers }: Received): number[] | null {
  const text = headers.get('if-match')
  if (text === null || text.trim() === '*') return null
  const etags = text.split(',').map((each) => /^(?:W\/)?"([0-9]{1,15})"$/.exec(each.trim()))
  if (etags.some((etag) => etag === null))
    throw wrong('If-Match', 'must be * or ETags as this server gives them')
  return etags.map((etag) => Number(etag?.[1]))
}

function decoded({ headers }: Received, name: string): string | null {
  const value = headers.get(name)
  if (value === null) return null
  try {
    const text = decodeURIComponent(value)
    if (text !== '' && !/\p{Cc}/u.test(text)) return text
  } catch {
    // Said below.
  }
  throw wrong(name, 'must be URI-encoded UTF-8 without control characters')
}

function wrong(name: string, what: string): Refusal {
  return new Refusal('invalid_request', `The header ${name} ${what}.`, { field: name, status: 400 })
}

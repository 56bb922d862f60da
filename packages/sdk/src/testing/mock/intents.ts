import { Refusal } from './refusal'

interface Remembered {
  request: string
  jobId: string
  commandId: string | null
}

/** Idempotency keys: the same intent, sent again, finds what it did before. Keys of different scopes are apart. */
export class Intents {
  readonly #known = new Map<string, Remembered>()

  /** Null where there was none. Throws a Refusal when the key came with another request. */
  earlier(scope: string, key: string | null, request: string): Remembered | null {
    const known = key === null ? undefined : this.#known.get(`${scope} ${key}`)
    if (!known) return null
    if (known.request === request) return known
    const sentence = 'This Idempotency-Key was used for another request; use a new key for each new intent.'
    throw new Refusal('invalid_request', sentence, { field: 'Idempotency-Key' })
  }

  remember(scope: string, key: string | null, remembered: Remembered): void {
    if (key !== null) this.#known.set(`${scope} ${key}`, remembered)
  }
}

/** What makes two requests the same: what was asked for, however it was spelt. */
export function requestText(action: string, body: object): string {
  const given = Object.entries(body).filter(([, value]) => value !== null && value !== undefined)
  return JSON.stringify([action, ...given.sort(([a], [b]) => (a < b ? -1 : 1))])
}

import { secretsBehind } from '../errors/bodySecrets'
import { misunderstood } from '../errors/misunderstood'
import type { TrainingError } from '../errors/trainingError'
import type { Reader } from '../protocol/read'

/** Checks a body. Throws `invalid_response`, which says where it differs. */
export function parseAnswer<T>(reader: Reader<T>, body: unknown): T {
  const read = reader(body)
  if (read.ok) return read.value
  throw wrongAnswer(body, read.where)
}

/** The error for an answer that differs at `where`. */
export function wrongAnswer(body: unknown, where: string): TrainingError {
  const text = JSON.stringify(body) ?? ''
  return misunderstood("The training server's answer", where, text, secretsBehind(body))
}

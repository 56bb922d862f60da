import { cellChecks } from './cellChecks'
import { Conversation } from './conversation'
import { deadlineChecks } from './deadlineChecks'
import { intentChecks } from './intentChecks'
import { minimalChecks } from './minimalChecks'
import { ownerChecks } from './ownerChecks'
import { readChecks } from './readChecks'
import { refusalChecks } from './refusalChecks'
import type { ConformanceCheck, ServerUnderTest } from './serverUnderTest'
import { streamChecks } from './streamChecks'
import { waitChecks } from './waitChecks'

export interface ServerChecksOptions {
  /** 0: nothing but `POST /local/{job_id}/control`. 1: the whole protocol. Default 1. */
  level?: 0 | 1
  /** Asks in every actor's name in every state, rather than in one after the other's. Default false. */
  everybody?: boolean
}

/**
 * What a training server must do to be compatible, as named checks that any test runner can run:
 * `for (const { name, run } of serverChecks(server)) it(name, run)`. They run one after the other, and make jobs of their own.
 */
export function serverChecks(
  server: ServerUnderTest,
  { level = 1, everybody = false }: ServerChecksOptions = {},
): ConformanceCheck[] {
  const talk = new Conversation(server)
  if (level === 0) return minimalChecks(server, talk)
  return [
    ...minimalChecks(server, talk),
    ...readChecks(server, talk),
    ...refusalChecks(server, talk),
    ...ownerChecks(server, talk),
    ...intentChecks(server, talk),
    ...deadlineChecks(server, talk),
    ...streamChecks(server, talk),
    ...waitChecks(server, talk),
    ...cellChecks(server, talk, { everybody }),
  ]
}

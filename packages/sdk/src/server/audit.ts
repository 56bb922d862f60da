import type { CommandAction } from '../protocol'
import type { TrainingUser } from './permission'

/** One attempt of a user to change something, told after it was answered, whatever the answer was. */
export interface AuditEntry<User extends TrainingUser = TrainingUser> {
  at: Date
  /** Null where the call was refused before it was known who asks: nobody was signed in, or another site's page sent it. */
  user: User | null
  /** Null where it was in a body that could not be read. */
  action: 'start' | CommandAction | null
  /** The job that it was about; for `start` the one that came of it, if any. */
  jobId: string | null
  /** HTTP status of the answer. */
  status: number
  /** The error's code; null where it was done. */
  code: string | null
  /** The id of the command that came of it, if any. */
  commandId: string | null
  reason: string | null
  note: string | null
  idempotencyKey: string | null
}

/** Is told of every attempt. Where it throws, the answer stands, and the error is logged. */
export type Audit<User extends TrainingUser> = (entry: AuditEntry<User>) => void | Promise<void>

/** What is known of an attempt by the time that it is answered. */
export interface Attempt<User extends TrainingUser> {
  request: Request
  /** Whether it is about a change, so that it is audited. */
  isChange: boolean
  user: User | null
  action: AuditEntry['action']
  jobId: string | null
  body: Record<string, unknown> | null
}

/** The entry for an attempt, of which the answer may tell more. */
export async function auditEntry<User extends TrainingUser>(
  { request, user, action, jobId, body }: Attempt<User>,
  response: Response,
): Promise<AuditEntry<User>> {
  const answer = fieldsOf(await response.clone().json())
  return {
    at: new Date(),
    user,
    action,
    jobId: jobId ?? textOf(fieldsOf(answer.job).id),
    status: response.status,
    code: textOf(answer.code),
    commandId: textOf(fieldsOf(fieldsOf(answer.result).command).id),
    reason: textOf(body?.reason),
    note: textOf(body?.note),
    idempotencyKey: request.headers.get('idempotency-key'),
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

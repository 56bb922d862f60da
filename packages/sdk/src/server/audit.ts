import type { TrainingAction, TrainingUser } from './permission'

/** One attempt of a user to change something, told after it was answered. */
export interface AuditEntry<User extends TrainingUser = TrainingUser> {
  at: Date
  user: User
  action: Exclude<TrainingAction, 'read' | 'list'>
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

export type Audit<User extends TrainingUser> = (entry: AuditEntry<User>) => void | Promise<void>

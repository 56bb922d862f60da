import type { Job } from '../protocol'

/** Who is asking, as the host knows them. `id` is the owner of the jobs that they start. */
export interface TrainingUser {
  id: string
  name?: string | undefined
}

/** What a user wants to do. */
export type TrainingAction = 'start' | 'list' | 'read' | 'cancel' | 'pause' | 'resume'

/** What `authorize` is asked. */
export interface AuthorizeRequest<User extends TrainingUser> {
  user: User
  action: TrainingAction
  /** Null for `start` and `list`. */
  jobId: string | null
  /**
   * The job as it is now. Null for `start` and `list`, and where the training server can't tell: a minimal one has no
   * call to read a job.
   */
  job: Job | null
}

/** Whether a user may do it. What is refused looks as if there were no such job. */
export type Authorize<User extends TrainingUser> = (
  request: AuthorizeRequest<User>,
) => boolean | Promise<boolean>

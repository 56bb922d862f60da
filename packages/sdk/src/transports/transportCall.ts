import type { ControlRequest, StartRequest } from '../protocol'

/** Every call that a client makes, as data. */
export type TransportCall =
  | { name: 'startJob'; body: StartRequest; idempotencyKey: string }
  | {
      name: 'controlJob'
      jobId: string
      body: ControlRequest
      idempotencyKey: string
      /** Sent as `If-Match`: only if the job's `status_version` is still this. */
      statusVersion?: number | null
    }
  | { name: 'getJob'; jobId: string }
  | {
      name: 'listJobs'
      cursor: string | null
      limit: number | null
      /** Only jobs of these statuses; null for all. */
      statuses?: readonly string[] | null
    }
  | { name: 'getMetrics'; jobId: string; maxPoints: number | null }
  | { name: 'getLogs'; jobId: string; attempt: number | null; offset: number | null; limit: number | null }
  | { name: 'listCheckpoints'; jobId: string }
  | { name: 'listCommands'; jobId: string }
  | { name: 'getCommand'; jobId: string; commandId: string }
  | { name: 'getCapabilities' }

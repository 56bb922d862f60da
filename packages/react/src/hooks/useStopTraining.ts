import {
  type Command,
  isTerminal,
  type Job,
  type JobStatus,
  type StopMode,
  type StopReason,
  type TrainingError,
} from '@trainstop/sdk'
import { useRef, useState } from 'react'
import type { TrainingJob } from '../state/jobStore'
import { useCancelJob } from './useCancelJob'
import { useTrainingJob } from './useTrainingJob'

export interface StopRequest {
  mode?: StopMode | undefined
  reason?: StopReason | undefined
  note?: string | undefined
}

/**
 * - `unknown`: nothing is known of the job yet
 * - `idle`: it can be stopped · `blocked`: it can't, see `blockedReason`
 * - `sending`: asked, not yet answered · `stopping`: the server has committed to it
 * - `ended`: nothing is left to stop
 */
export type StopPhase = 'unknown' | 'idle' | 'blocked' | 'sending' | 'stopping' | 'ended'

export interface StopTraining {
  phase: StopPhase
  /** The job's status; undefined until it is known. */
  status: JobStatus | undefined
  /** The same, as the server said it. */
  rawStatus: string | undefined
  /** Why it can't be stopped, as a sentence. */
  blockedReason: string | null
  /** The stop that is under way, with its receipts and deadline. */
  command: Command | null
  /** Why force is not possible; null where it is. */
  forceBlockedReason: string | null
  /** Why the newest request was not carried out. The next one clears it. */
  error: TrainingError | null
  /** The request that is on its way, not yet answered. */
  sending: StopRequest | null
  /** Asks to stop; true once the server has committed to it. While one request is on its way, a second does nothing. */
  stop: (request?: StopRequest) => Promise<boolean>
  clearError: () => void
}

/** The stop button's logic without its looks, for a host that draws its own. Does not render while metrics stream. */
export function useStopTraining(jobId: string): StopTraining {
  const target = useTrainingJob(jobId, { select: stopTarget })
  const { mutateAsync } = useCancelJob()
  const [sending, setSending] = useState<StopRequest | null>(null)
  const [error, setError] = useState<TrainingError | null>(null)
  const [accepted, setAccepted] = useState<{ jobId: string; version: number | undefined } | null>(null)
  // State is read at the next render; two presses may come before that.
  const onItsWay = useRef(false)
  // A try that may have arrived all the same keeps its key, so that a retry joins the command there is.
  const unsettled = useRef<{ request: string; key: string } | null>(null)

  async function stop(request: StopRequest = {}): Promise<boolean> {
    if (onItsWay.current) return false
    onItsWay.current = true
    setSending(request)
    setError(null)
    const same = JSON.stringify([jobId, request])
    const idempotencyKey = unsettled.current?.request === same ? unsettled.current.key : undefined
    unsettled.current = null
    try {
      const { job } = await mutateAsync({ jobId, ...request, idempotencyKey })
      if (!job) setAccepted({ jobId, version: target?.version })
      return true
    } catch (caught) {
      const failure = caught as TrainingError
      if (failure.arrived === 'unknown' && failure.idempotencyKey !== null) {
        unsettled.current = { request: same, key: failure.idempotencyKey }
      }
      setError(failure)
      return false
    } finally {
      onItsWay.current = false
      setSending(null)
    }
  }

  return {
    phase: phaseOf(),
    status: target?.status,
    rawStatus: target?.raw,
    blockedReason: target?.cancel.reason ?? null,
    command: target?.command?.action === 'cancel' ? target.command : null,
    forceBlockedReason: target && !target.force.allowed ? (target.force.reason ?? '') : null,
    error,
    sending,
    stop,
    clearError: () => setError(null),
  }

  function phaseOf(): StopPhase {
    if (!target) return sending ? 'sending' : 'unknown'
    if (isTerminal(target.status)) return 'ended'
    if (target.status === 'stopping') return 'stopping'
    if (sending) return 'sending'
    // A minimal server agrees and says nothing about the job: believed until there is news of the job itself.
    if (accepted?.jobId === jobId && accepted.version === target.version) return 'stopping'
    return target.cancel.allowed ? 'idle' : 'blocked'
  }
}

/** Only what the button needs, flat, so that nothing else makes it render. */
function stopTarget({ job }: TrainingJob) {
  if (!job) return null
  const { status, raw_status, capabilities, command, status_version } = job satisfies Job
  return {
    status,
    raw: raw_status,
    cancel: capabilities.cancel,
    force: capabilities.force,
    command,
    version: status_version,
  }
}

import { type TrainingEvent, watchJob } from '@trainstop/sdk'
import { useEffect, useRef } from 'react'
import { useTrainstopClient } from '../provider/useTrainstopClient'

/** Calls back for every event of a job, through the connection that all share. Renders nothing by itself. */
export function useJobEvents(jobId: string, onEvent: (event: TrainingEvent) => void): void {
  const client = useTrainstopClient()
  const newest = useRef(onEvent)
  useEffect(() => {
    newest.current = onEvent
  })
  useEffect(
    () => watchJob(client, { jobId, onUpdate: ({ event }) => event && newest.current(event) }),
    [client, jobId],
  )
}

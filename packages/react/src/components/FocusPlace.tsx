import type { JobStatus } from '@trainstop/sdk'
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react'
import { classes } from './classes'
import { JobStatusMark } from './JobStatusMark'

export interface FocusPlaceProps {
  className: string
  phase: string
  /** The control has nothing left to do: its button goes. */
  gone: boolean
  status: JobStatus | undefined
  raw: string | undefined
  children: ReactNode
}

/**
 * A control that goes when its work is done. Whoever has the focus on it then, is not thrown back to the top of the
 * page: the focus stays in its place, on the run's new status, which goes as soon as they move on.
 */
export function FocusPlace({ className, phase, gone, status, raw, children }: FocusPlaceProps) {
  const hasFocus = useRef(false)
  const [keeps, setKeeps] = useState(false)
  useLayoutEffect(() => {
    setKeeps(gone && hasFocus.current)
    hasFocus.current = false
  }, [gone])
  if (gone)
    return keeps ? <LeftBehind {...{ className, status, raw }} onLeave={() => setKeeps(false)} /> : null
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens where the focus is
    <div
      className={className}
      data-phase={phase}
      onFocus={() => {
        hasFocus.current = true
      }}
      onBlur={() => {
        hasFocus.current = false
      }}
    >
      {children}
    </div>
  )
}

type LeftBehindProps = Pick<FocusPlaceProps, 'className' | 'status' | 'raw'> & { onLeave: () => void }

function LeftBehind({ className, status, raw, onLeave }: LeftBehindProps) {
  const place = useRef<HTMLSpanElement>(null)
  useLayoutEffect(() => place.current?.focus({ preventScroll: true }), [])
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only listens for the focus to leave
    <span
      ref={place}
      tabIndex={-1}
      className={classes(className, 'trainstop-status trainstop-left-behind')}
      data-phase="ended"
      data-status={raw}
      onBlur={onLeave}
    >
      <JobStatusMark status={status} raw={raw} health={undefined} />
    </span>
  )
}

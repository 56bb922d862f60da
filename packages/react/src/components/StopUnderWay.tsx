import type { Command } from '@trainstop/sdk'
import { useState } from 'react'
import { secondsBetween } from '../format/time'
import { useNow } from '../hooks/useNow'
import { useMessages } from '../provider/useMessages'
import { ControlButton, type useControlIds } from './ControlButton'
import { awaitedStage } from './stopStage'

export interface StopUnderWayProps {
  command: Command | null
  ids: ReturnType<typeof useControlIds>
  /** Why force is not possible; null where it is. */
  forceBlocked: string | null
  forcing: boolean
  onForce: () => void
}

/** What the stop waits for, how long it may still take, and the way to force it. */
export function StopUnderWay({ command, ids, forceBlocked, forcing, onForce }: StopUnderWayProps) {
  const messages = useMessages()
  const now = useNow(command?.deadline != null)
  const [wantsMore, setWantsMore] = useState(false)
  const left = command?.deadline ? Math.ceil(secondsBetween(now, command.deadline)) : null
  const overdue = left !== null && left <= 0
  // A force on its way has nothing left to offer.
  const canForce = command?.mode !== 'force' || overdue
  const showsForce = canForce && (overdue || wantsMore)
  return (
    <>
      {command && (
        <p
          id={ids.note}
          className="trainstop-control-note"
          data-part="under-way"
          data-overdue={overdue || undefined}
        >
          <span role="status">{messages.stop.waitingFor[awaitedStage(command)]}</span>
          {left !== null && (
            <span className="trainstop-control-left">
              {' · '}
              {overdue
                ? messages.stop.overdue(messages.duration(-left))
                : messages.stop.timeLeft(messages.duration(left))}
            </span>
          )}
        </p>
      )}
      {canForce && !overdue && (
        <ControlButton
          part="more"
          tone="plain"
          expanded={wantsMore}
          controls={wantsMore ? ids.more : undefined}
          onPress={() => setWantsMore(!wantsMore)}
        >
          {messages.stop.more}
        </ControlButton>
      )}
      {showsForce && (
        <span id={ids.more} className="trainstop-control-force">
          <ControlButton
            part="force"
            tone="danger-quiet"
            busy={forcing}
            blocked={forceBlocked}
            describedBy={forceBlocked ? ids.reason : undefined}
            onPress={onForce}
          >
            {messages.force.button}
          </ControlButton>
          {forceBlocked && (
            <span id={ids.reason} className="trainstop-control-note">
              {forceBlocked}
            </span>
          )}
        </span>
      )}
    </>
  )
}

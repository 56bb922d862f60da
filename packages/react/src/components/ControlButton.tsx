import { type ReactNode, type Ref, useId } from 'react'
import { classes } from './classes'

export interface ControlButtonProps {
  children: ReactNode
  icon?: ReactNode
  tone?: 'neutral' | 'danger' | 'danger-quiet' | 'plain'
  /** Something is under way: pressing does nothing, focus stays. */
  busy?: boolean
  /** Why it can't be pressed. It stays focusable, so that everyone can learn the reason. */
  blocked?: string | null | undefined
  expanded?: boolean | undefined
  controls?: string | undefined
  describedBy?: string | undefined
  buttonRef?: Ref<HTMLButtonElement> | undefined
  className?: string | undefined
  part?: string | undefined
  onPress: () => void
}

/** A button that is never `disabled`, so that focus is never lost and a reason can always be read. */
export function ControlButton({
  children,
  icon,
  tone = 'neutral',
  busy = false,
  blocked = null,
  expanded,
  controls,
  describedBy,
  buttonRef,
  className,
  part,
  onPress,
}: ControlButtonProps) {
  const inert = busy || blocked !== null
  return (
    <button
      ref={buttonRef}
      type="button"
      className={classes('trainstop-button', className)}
      data-part={part}
      data-tone={tone}
      data-busy={busy || undefined}
      data-blocked={blocked !== null || undefined}
      aria-disabled={inert || undefined}
      aria-busy={busy || undefined}
      aria-expanded={expanded}
      aria-controls={controls}
      aria-describedby={describedBy}
      onClick={() => {
        if (!inert) onPress()
      }}
    >
      {busy ? <span className="trainstop-spinner" aria-hidden="true" /> : icon}
      {children}
    </button>
  )
}

/** Ids for a control's texts, so that its button can point to them. */
export function useControlIds() {
  const id = useId()
  return {
    note: `${id}note`,
    more: `${id}more`,
    title: `${id}title`,
    text: `${id}text`,
    reason: `${id}reason`,
  }
}

import { type ReactNode, useLayoutEffect, useRef } from 'react'

export interface AlertDialogProps {
  titleId: string
  textId: string
  title: string
  children: ReactNode
  actions: ReactNode
  /** Escape was pressed. The owner takes the dialog away; what is pending is the owner's and goes on. */
  onDismiss: () => void
  part: string
}

/**
 * A modal question. It is open while it is rendered; focus goes to the element marked `data-safe`, and back to where
 * it was afterwards. Pressing outside does not dismiss it.
 */
export function AlertDialog({
  titleId,
  textId,
  title,
  children,
  actions,
  onDismiss,
  part,
}: AlertDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const element = dialog.current
    if (!element) return
    // Test environments without a layout have no showModal: there it is at least open.
    if (typeof element.showModal === 'function') element.showModal()
    else element.setAttribute('open', '')
    element.querySelector<HTMLElement>('[data-safe]')?.focus()
    return () => {
      if (typeof element.close === 'function') element.close()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      className="trainstop-dialog"
      role="alertdialog"
      aria-labelledby={titleId}
      aria-describedby={textId}
      data-part={part}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        onDismiss()
      }}
      // A browser may close it by itself on the second Escape. Closing by unmounting tells nobody any more.
      onClose={() => {
        if (dialog.current && !dialog.current.open) onDismiss()
      }}
    >
      <h2 id={titleId} className="trainstop-dialog-title">
        {title}
      </h2>
      {children}
      <div className="trainstop-dialog-actions">{actions}</div>
    </dialog>
  )
}

import { type ReactNode, useEffect, useRef } from 'react'
import { useLocation } from 'wouter'

/** The page that the focus was last brought to: at the first one of a visit, the browser itself does it. */
let shownPath: string | null = null

/**
 * A page's heading. It names the tab, and it is where the focus goes when one comes from another page, so that keyboard
 * and screen reader begin where the eye does.
 */
export function PageTitle({ tab, id, children }: { tab: string; id?: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  const [path] = useLocation()
  useEffect(() => {
    document.title = tab
  }, [tab])
  useEffect(() => {
    if (shownPath !== null && shownPath !== path) heading.current?.focus({ preventScroll: true })
    shownPath = path
  }, [path])
  return (
    <h1 ref={heading} id={id} tabIndex={-1}>
      {children}
    </h1>
  )
}

import { type RefObject, useLayoutEffect, useRef, useState } from 'react'
import { formatCount } from '../format/count'
import { useJobLogs } from '../hooks/useJobLogs'
import { useMessages } from '../provider/useMessages'
import { ControlButton } from './ControlButton'
import { classes } from './classes'
import { readingSentence } from './ErrorMessage'
import { LogChunkView } from './LogChunkView'

export interface TrainingLogProps {
  jobId: string
  /** How many lines to keep, counted from the end. Default 5000. */
  keepLines?: number | undefined
  className?: string | undefined
}

/** So near to the end counts as at the end: fractions of pixels, a line's padding. */
const nearEndPixels = 8

/**
 * The run's output as in a terminal. It follows the end until someone scrolls up. Colours are shown, every other
 * escape sequence is without effect.
 */
export function TrainingLog({ jobId, keepLines, className }: TrainingLogProps) {
  const messages = useMessages()
  const { log: words, locale } = messages
  const { chunks, lineCount, dropped, skippedBytes, isLoading, error } = useJobLogs(jobId, { keepLines })
  const view = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  const lastTop = useRef(0)
  const [leftAt, setLeftAt] = useState<number | null>(null)
  const total = dropped + lineCount

  // After every render: a line may have grown without a new one.
  useLayoutEffect(() => {
    if (follows.current) scrollToEnd(view.current, lastTop)
  })
  useLayoutEffect(() => {
    // Lines wrap anew when the width changes, and chunks get their true height when they come into view.
    if (typeof ResizeObserver === 'undefined') return
    const observer = new ResizeObserver(() => {
      if (follows.current) scrollToEnd(view.current, lastTop)
    })
    if (content.current) observer.observe(content.current)
    if (view.current) observer.observe(view.current)
    return () => observer.disconnect()
  }, [])

  function onScroll() {
    const element = view.current
    if (!element) return
    const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight <= nearEndPixels
    // Only a move upwards is someone who wants to read; content that grows below is not.
    const wentUp = element.scrollTop < lastTop.current
    lastTop.current = element.scrollTop
    if (atEnd === follows.current || (!atEnd && !wentUp)) return
    follows.current = atEnd
    setLeftAt(atEnd ? null : total)
  }
  function jump() {
    follows.current = true
    setLeftAt(null)
    scrollToEnd(view.current, lastTop)
    view.current?.focus({ preventScroll: true })
  }

  const fresh = leftAt === null ? 0 : Math.max(0, total - leftAt)
  const isCut = dropped > 0 || skippedBytes > 0
  return (
    <div
      className={classes('trainstop-root trainstop-log', className)}
      data-following={leftAt === null}
      data-lines={lineCount}
    >
      <div
        ref={view}
        className="trainstop-log-view"
        role="log"
        aria-live="off"
        aria-label={words.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={onScroll}
      >
        <div ref={content} className="trainstop-log-content">
          {isCut && <p className="trainstop-log-message">{words.earlier}</p>}
          {total === 0 && (
            <p className="trainstop-log-message">{isLoading ? words.loading : error ? '' : words.empty}</p>
          )}
          {chunks.map((chunk) => (
            <LogChunkView key={chunk.key} chunk={chunk} />
          ))}
          {error && (
            <p className="trainstop-log-message" role="alert">
              {words.failed} {readingSentence(error, messages)}
            </p>
          )}
        </div>
      </div>
      {leftAt !== null && (
        <ControlButton className="trainstop-log-jump" part="jump" onPress={jump}>
          {words.jumpToEnd}
          {fresh > 0 && (
            <span className="trainstop-log-new">{words.newLines(fresh, formatCount(fresh, locale))}</span>
          )}
        </ControlButton>
      )}
    </div>
  )
}

function scrollToEnd(view: HTMLElement | null, lastTop: RefObject<number>): void {
  if (!view) return
  view.scrollTop = view.scrollHeight
  lastTop.current = view.scrollTop
}

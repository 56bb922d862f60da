import { formatPreciseTime } from '../format/time'
import { useMessages } from '../provider/useMessages'
import { Icon, type IconName } from './Icon'
import type { TimelineStage } from './receiptTimeline'

const icons = new Set<string>(['done', 'skipped', 'not_measured', 'failed', 'waiting', 'not_reached'])

/** One stage: its mark, its name, its state in words, its time, and how long it took. */
export function ReceiptStageRow({ stage, state, receipt, after, isCurrent }: TimelineStage) {
  const messages = useMessages()
  const { receipt: words } = messages
  const known = icons.has(state)
  const detail =
    receipt && [receipt.detail?.replace(/\.$/, ''), words.seenBy(receipt.by)].filter(Boolean).join(' · ')
  // A time beside a stage that was not reached would read as if it had been.
  const timed = receipt && (state === 'done' || state === 'failed') ? receipt : null
  return (
    <li
      className="trainstop-receipt-stage"
      data-stage={stage}
      data-state={state}
      data-current={isCurrent || undefined}
    >
      <span className="trainstop-receipt-mark">
        <Icon name={known && (state !== 'waiting' || isCurrent) ? (state as IconName) : 'not_reached'} />
      </span>
      <span className="trainstop-receipt-name">
        {(words.stage as Record<string, string>)[stage] ?? stage}
        <span className="trainstop-receipt-state">
          {known ? words.state[state as keyof typeof words.state] : state}
        </span>
      </span>
      {timed && (
        <span className="trainstop-receipt-time">
          <time dateTime={timed.at}>{formatPreciseTime(timed.at, messages.locale)}</time>{' '}
          <span className="trainstop-receipt-after">
            {after === null ? '' : words.after(messages.duration(after))}
          </span>
        </span>
      )}
      {detail && <span className="trainstop-receipt-detail">{detail}</span>}
    </li>
  )
}

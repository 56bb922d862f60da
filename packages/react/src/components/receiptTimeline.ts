import { type Command, type Receipt, type ReceiptStage, receiptStages } from '@trainstop/sdk'
import { secondsBetween } from '../format/time'

export interface TimelineStage {
  stage: ReceiptStage | (string & {})
  /** A receipt's own state; `waiting`: still to come; `not_reached`: the command has ended before it. */
  state: Receipt['state'] | 'waiting' | 'not_reached'
  receipt: Receipt | null
  /** Seconds since the stage before it that has a time; null for the first and for those without. */
  after: number | null
  /** What is waited for now. */
  isCurrent: boolean
}

/**
 * The stages in their order, each with its receipt or with the reason why there is none. Unknown ones come last. A
 * resume starts a process: what only a stop goes through is left out of it.
 */
export function receiptTimeline(command: Command): TimelineStage[] {
  const receipts = new Map(command.receipts.map((receipt) => [receipt.stage as string, receipt]))
  const known = new Set<string>(receiptStages)
  const stages = [...receiptStages, ...[...receipts.keys()].filter((stage) => !known.has(stage))]
  let before: string | null = null
  let foundCurrent = false
  const shown =
    command.action === 'resume' ? stages.filter((stage) => receipts.get(stage)?.state !== 'skipped') : stages
  return shown.map((stage) => {
    const receipt = receipts.get(stage) ?? null
    const counts = receipt !== null && receipt.state !== 'skipped' && receipt.state !== 'not_measured'
    const after = counts && before !== null ? Math.max(0, secondsBetween(before, receipt.at)) : null
    if (counts) before = receipt.at
    const isCurrent = receipt === null && command.status === 'active' && !foundCurrent
    foundCurrent ||= isCurrent
    return {
      stage,
      state: receipt?.state ?? (command.status === 'active' ? 'waiting' : 'not_reached'),
      receipt,
      after,
      isCurrent,
    }
  })
}

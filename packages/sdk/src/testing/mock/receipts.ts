import type { Command, Receipt, ReceiptStage, ReceiptState } from '../../protocol'
import { receiptStages } from '../../protocol/receipt'

const weight: Record<ReceiptState, number> = { skipped: 0, not_measured: 0, failed: 1, done: 2 }

/**
 * Adds a stage's receipt. One that is there stays, unless the new one says that more was reached: a save that failed may
 * be tried again. True where something changed.
 */
export function putReceipt(
  command: Command,
  receipt: Receipt & { stage: ReceiptStage; state: ReceiptState },
) {
  const before = receiptOf(command, receipt.stage)
  if (before && weight[receipt.state] <= weight[before.state as ReceiptState]) return false
  const others = command.receipts.filter(({ stage }) => stage !== receipt.stage)
  const order = (each: Receipt) => receiptStages.indexOf(each.stage as ReceiptStage)
  command.receipts = [...others, receipt].sort((a, b) => order(a) - order(b))
  return true
}

/** Says of every stage without a receipt that it was passed over, and why: one sentence for all, or for each. */
export function skipTheRest(
  command: Command,
  at: string,
  why: string | Partial<Record<ReceiptStage, string>>,
): void {
  for (const stage of receiptStages) {
    const detail = (typeof why === 'string' ? why : why[stage]) ?? null
    if (!receiptOf(command, stage)) putReceipt(command, { stage, state: 'skipped', at, by: 'server', detail })
  }
}

/** Undefined while the stage is ahead. */
export function receiptOf({ receipts }: Command, stage: ReceiptStage): Receipt | undefined {
  return receipts.find((receipt) => receipt.stage === stage)
}

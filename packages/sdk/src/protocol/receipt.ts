/** The stages of a command, in their order. */
export const receiptStages = [
  'requested',
  'accepted',
  'delivered',
  'acknowledged',
  'checkpoint_saved',
  'process_exited',
  'resources_released',
] as const
/** One of `receiptStages`. */
export type ReceiptStage = (typeof receiptStages)[number]

/** What can be said of a stage. `not_measured`: it can't be proven here. */
export const receiptStates = ['done', 'skipped', 'not_measured', 'failed'] as const
/** One of `receiptStates`. */
export type ReceiptState = (typeof receiptStates)[number]

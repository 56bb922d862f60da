import { type Command, receiptStages } from '@trainstop/sdk'

export type AwaitedStage =
  | 'delivered'
  | 'acknowledged'
  | 'checkpoint_saved'
  | 'process_exited'
  | 'resources_released'

/** What a command that is under way waits for: the first stage that has no receipt yet. */
export function awaitedStage(command: Command): AwaitedStage {
  const reached = new Set<string>(command.receipts.map(({ stage }) => stage))
  for (const stage of receiptStages) {
    if (stage !== 'requested' && stage !== 'accepted' && !reached.has(stage)) return stage
  }
  return 'resources_released'
}

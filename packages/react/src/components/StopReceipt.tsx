import type { Command } from '@trainstop/sdk'
import { secondsBetween } from '../format/time'
import { useTrainingJob } from '../hooks/useTrainingJob'
import type { TrainstopMessages } from '../messages/messages'
import { useMessages } from '../provider/useMessages'
import { classes } from './classes'
import { ReceiptStageRow } from './ReceiptStageRow'
import { receiptTimeline } from './receiptTimeline'

export interface StopReceiptProps {
  jobId: string
  /** Which command, such as one from `useCommands`. Default: the one under way, or else the newest. */
  command?: Command | undefined
  className?: string | undefined
}

/** What was proven of a stop (or a pause, a resume), stage by stage: when, how long each took, who asked and why. */
export function StopReceipt({ jobId, command, className }: StopReceiptProps) {
  const messages = useMessages()
  const newest = useTrainingJob(jobId, { select: ({ job }) => job?.command ?? job?.last_command })
  const shown = command ?? newest
  return (
    <div
      className={classes('trainstop-root trainstop-receipt', className)}
      data-command={shown?.id}
      data-action={shown?.action}
      data-command-status={shown?.status}
    >
      {shown ? <Timeline command={shown} /> : <p className="trainstop-empty">{messages.receipt.none}</p>}
    </div>
  )
}

function Timeline({ command }: { command: Command }) {
  const messages = useMessages()
  const { receipt: words, reasons } = messages
  const stages = receiptTimeline(command)
  const facts = [
    words.by(actorName(command, messages)),
    command.reason === null ? null : ((reasons as Record<string, string>)[command.reason] ?? command.reason),
    command.ended_at === null
      ? null
      : words.total(messages.duration(Math.max(0, secondsBetween(command.created_at, command.ended_at)))),
  ]
  return (
    <>
      <header className="trainstop-receipt-head">
        <span className="trainstop-receipt-title">{title(command, messages)}</span>
        <span className="trainstop-receipt-about">{facts.filter(Boolean).join(' · ')}</span>
        {command.message && <p className="trainstop-receipt-message">{command.message}</p>}
        {command.note && <p className="trainstop-receipt-note">“{command.note}”</p>}
      </header>
      <ol className="trainstop-receipt-stages" aria-label={words.label}>
        {stages.map((stage) => (
          <ReceiptStageRow key={stage.stage} {...stage} />
        ))}
      </ol>
    </>
  )
}

function actorName({ actor }: Command, { receipt }: TrainstopMessages): string {
  const name = actor.name ?? actor.id
  const kind = (receipt.actor as Record<string, string>)[actor.type] ?? actor.type
  if (name === null) return kind
  return actor.type === 'user' ? name : receipt.actorNamed(kind, name)
}

function title({ action, status }: Command, { receipt }: TrainstopMessages): string {
  const titles: Record<string, Record<string, string>> = receipt.title
  return titles[action]?.[status] ?? `${action}: ${status}`
}

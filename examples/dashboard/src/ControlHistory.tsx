import { StopReceipt, useCommands } from '@trainstop/react'

/** How many are shown in full; a stop and the resume that followed it are two. */
const shownInFull = 2

/** What was asked of a run, newest first, each with its receipts. */
export function ControlHistory({ jobId }: { jobId: string }) {
  const { commands } = useCommands(jobId)
  if (!commands?.length) return <StopReceipt jobId={jobId} />
  const receipts = commands.map((command) => <StopReceipt key={command.id} jobId={jobId} command={command} />)
  const earlier = receipts.slice(shownInFull)
  return (
    <div className="receipts">
      {receipts.slice(0, shownInFull)}
      {earlier.length > 0 && (
        <details>
          <summary>Earlier ({earlier.length})</summary>
          <div className="receipts">{earlier}</div>
        </details>
      )}
    </div>
  )
}

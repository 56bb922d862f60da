import {
  CheckpointList,
  ConnectionBadge,
  JobStatus,
  PauseTrainingButton,
  ResumeTrainingButton,
  StopReceipt,
  StopTrainingButton,
  type TrainingJob,
  TrainingLog,
  TrainingProgress,
  useTrainingJob,
} from '@trainstop/react'
import { MetricChart } from '@trainstop/react/chart'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'

/** What this page itself shows of the job: it does not render while metrics stream. */
const selectHead = ({ job, error }: TrainingJob) => ({
  name: job?.name,
  resumedFrom: job?.resumed_from,
  resumedAs: job?.resumed_as,
  end: job?.end?.message,
  error,
})

export function RunPage({ jobId }: { jobId: string }) {
  const [, navigate] = useLocation()
  const [terminal, setTerminal] = useState(true)
  const { name, resumedFrom, resumedAs, end, error } = useTrainingJob(jobId, { select: selectHead })

  if (name === undefined)
    return (
      <section className="page narrow">
        {error ? (
          <>
            <h1>This run can't be shown</h1>
            <p role="alert">{error.message}</p>
            <p>
              <Link href="/">Back to all runs</Link>
            </p>
          </>
        ) : (
          <p className="quiet">Loading the run …</p>
        )}
      </section>
    )

  return (
    <section className="page run">
      <div className="run-name">
        <Link href="/">All runs</Link>
        <span aria-hidden="true">/</span>
        <strong>{name}</strong>
        <JobStatus jobId={jobId} />
        <ConnectionBadge jobId={jobId} />
      </div>
      <header className="run-head">
        <h1>Training Progress</h1>
        <div className="run-controls">
          <ResumeTrainingButton jobId={jobId} onResumed={(next) => navigate(`/runs/${next.id}`)} />
          <PauseTrainingButton jobId={jobId} />
          <StopTrainingButton jobId={jobId} />
          <button
            type="button"
            className="toggle"
            aria-pressed={terminal}
            aria-controls="terminal"
            onClick={() => setTerminal(!terminal)}
          >
            Terminal
          </button>
        </div>
      </header>
      {(resumedFrom || resumedAs) && (
        <p className="lineage">
          {resumedFrom && (
            <>
              Resumed from <Link href={`/runs/${resumedFrom.job_id}`}>an earlier run</Link> at{' '}
              {resumedFrom.checkpoint_id}.{' '}
            </>
          )}
          {resumedAs && (
            <>
              Goes on in <Link href={`/runs/${resumedAs}`}>another run</Link>.
            </>
          )}
        </p>
      )}
      {end && <p className="end">{end}</p>}
      <section className="panel progress" aria-label="Progress">
        <TrainingProgress jobId={jobId} />
        <MetricChart jobId={jobId} metrics={['train_loss', 'eval_loss']} />
      </section>
      <div className="columns">
        <section className="panel" id="terminal" hidden={!terminal} aria-labelledby="terminal-title">
          <h2 id="terminal-title">Terminal</h2>
          <TrainingLog jobId={jobId} />
        </section>
        <aside className="side">
          <section className="panel" aria-labelledby="receipt-title">
            <h2 id="receipt-title">Stops and pauses</h2>
            <StopReceipt jobId={jobId} />
          </section>
          <section className="panel" aria-labelledby="checkpoints-title">
            <h2 id="checkpoints-title">Checkpoints</h2>
            <CheckpointList jobId={jobId} />
          </section>
        </aside>
      </div>
    </section>
  )
}

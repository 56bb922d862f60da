import {
  CheckpointList,
  ConnectionBadge,
  JobStatus,
  PauseTrainingButton,
  ResumeTrainingButton,
  StopTrainingButton,
  type TrainingJob,
  TrainingLog,
  TrainingProgress,
  useTrainingJob,
} from '@trainstop/react'
import { MetricChart } from '@trainstop/react/chart'
import type { Job, TrainingError } from '@trainstop/sdk'
import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { ControlHistory } from './ControlHistory'
import { PageTitle } from './PageTitle'

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

  // A paused run goes on as itself: one more entry in the history would make Back seem broken.
  const goTo = (next: Job) => next.id !== jobId && navigate(`/runs/${next.id}`)

  if (name === undefined)
    return (
      <section className="page narrow">
        {error ? (
          <>
            <PageTitle tab="This run can't be shown">This run can't be shown</PageTitle>
            <p role="alert">{whyNotShown(error)}</p>
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
        <PageTitle tab={`${name} · Training runs`}>Training Progress</PageTitle>
        <div className="run-controls">
          <ResumeTrainingButton jobId={jobId} onResumed={goTo} />
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
              {placeOf(resumedFrom.checkpoint_id)}.{' '}
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
        <section className="panel terminal" id="terminal" hidden={!terminal} aria-labelledby="terminal-title">
          <h2 id="terminal-title">Terminal</h2>
          <TrainingLog jobId={jobId} />
        </section>
        <aside className="side">
          <section className="panel" aria-labelledby="receipt-title">
            <h2 id="receipt-title">Stops and pauses</h2>
            <ControlHistory jobId={jobId} />
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

/** Somebody else's run looks like none at all, so both must be said. */
function whyNotShown(error: TrainingError): string {
  switch (error.code) {
    case 'job_not_found':
      return 'There is no run at this address, or it belongs to someone else. Check the address and who you are signed in as.'
    case 'server_unreachable':
      return "The training server can't be reached. This page tries again by itself."
    default:
      return error.message
  }
}

/** `step-00001816` in words. */
function placeOf(checkpointId: string): string {
  const step = /^step-0*(\d+)/.exec(checkpointId)?.[1]
  return step === undefined ? checkpointId : `step ${step}`
}

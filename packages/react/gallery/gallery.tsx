import '../src/styles.css'
import './gallery.css'
import {
  CheckpointList,
  ConnectionBadge,
  JobList,
  JobStatus,
  PauseTrainingButton,
  ResumeTrainingButton,
  StopReceipt,
  StopTrainingButton,
  TrainingLog,
  TrainingProgress,
  TrainstopProvider,
} from '@trainstop/react'
import type { ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { MetricChart } from '../src/chart'
import { states } from './states'

const wanted = new URLSearchParams(location.search)
document.documentElement.dataset.theme = wanted.get('theme') ?? 'light'

function In({ state, children }: { state: string; children: ReactNode }) {
  const server = states[state]
  return server ? <TrainstopProvider client={server.client}>{children}</TrainstopProvider> : null
}

function Controls() {
  return (
    <div className="controls">
      <ResumeTrainingButton jobId="job_1" />
      <PauseTrainingButton jobId="job_1" />
      <StopTrainingButton jobId="job_1" />
    </div>
  )
}

/** Status, progress and controls of every state, one below the other. */
function Overview() {
  return (
    <>
      {Object.keys(states).map((state) => (
        <section key={state} className="card" id={state}>
          <In state={state}>
            <header>
              <h2>{state}</h2>
              <JobStatus jobId="job_1" />
              <ConnectionBadge jobId="job_1" />
              <Controls />
            </header>
            <TrainingProgress jobId="job_1" />
          </In>
        </section>
      ))}
    </>
  )
}

/** Everything about one run. */
function Run({ state }: { state: string }) {
  return (
    <In state={state}>
      <section className="card">
        <header>
          <h2>Training Progress</h2>
          <JobStatus jobId="job_1" />
          <ConnectionBadge jobId="job_1" />
          <Controls />
        </header>
        <TrainingProgress jobId="job_1" />
        <br />
        <MetricChart jobId="job_1" />
      </section>
      <section className="card">
        <TrainingLog jobId="job_1" />
      </section>
      <div className="pair">
        <section className="card">
          <h2>Receipt</h2>
          <StopReceipt jobId="job_1" />
        </section>
        <section className="card">
          <h2>Checkpoints</h2>
          <CheckpointList
            jobId="job_1"
            renderActions={({ id, job_id, verified }) =>
              verified && <ResumeTrainingButton jobId={job_id} from={id} />
            }
          />
        </section>
      </div>
      <section className="card">
        <h2>Runs</h2>
        <JobList href={(job) => `#${job.id}`} />
      </section>
    </In>
  )
}

const root = document.getElementById('root')
const state = wanted.get('state')
if (root) createRoot(root).render(<main>{state ? <Run state={state} /> : <Overview />}</main>)
Object.assign(window, { states })

import { JobList, useTrainingJobs } from '@trainstop/react'
import { StartRun } from './StartRun'

export function RunsPage() {
  const { jobs, error, isLoading } = useTrainingJobs()
  return (
    <section className="page">
      <StartRun />
      <section aria-labelledby="runs-title" className="panel">
        <h2 id="runs-title">Runs</h2>
        <JobList jobs={jobs} isLoading={isLoading} error={error} href={(job) => `/runs/${job.id}`} />
      </section>
    </section>
  )
}

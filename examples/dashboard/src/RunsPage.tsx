import { JobList } from '@trainstop/react'
import { Link } from 'wouter'
import { StartRun } from './StartRun'

export function RunsPage() {
  return (
    <section className="page">
      <StartRun />
      <section aria-labelledby="runs-title" className="panel">
        <h2 id="runs-title">Runs</h2>
        <JobList
          renderLink={(job, { className, children }) => (
            <Link href={`/runs/${job.id}`} className={className}>
              {children}
            </Link>
          )}
        />
      </section>
    </section>
  )
}

import type { Job, TrainingError } from '@trainstop/sdk'
import { type ReactNode, useState } from 'react'
import { formatCount } from '../format/count'
import { formatMoment } from '../format/time'
import { useTrainingJobs } from '../hooks/useTrainingJobs'
import type { TrainstopMessages } from '../messages/messages'
import { useMessages } from '../provider/useMessages'
import { ControlButton } from './ControlButton'
import { classes } from './classes'
import { ErrorMessage } from './ErrorMessage'
import { JobStatusMark } from './JobStatusMark'
import { ProgressOf } from './ProgressBar'

export interface JobListProps {
  /** Address of a run's page. Without it and `renderLink`, names are plain text. */
  href?: ((job: Job) => string) | undefined
  /** For a router's own link: give it `className` and put `children` into it. */
  renderLink?: ((job: Job, link: { className: string; children: ReactNode }) => ReactNode) | undefined
  /** How many to list at first, and how many more each time. Default 25. Not used with `jobs`. */
  pageSize?: number | undefined
  /**
   * The runs to list, where the host has chosen or filtered them; undefined while it waits for them. Leave the
   * property out and the list reads the newest runs by itself.
   */
  jobs?: readonly Job[] | undefined
  isLoading?: boolean | undefined
  error?: TrainingError | null | undefined
  className?: string | undefined
}

/** The runs that this user may see, newest first, live. */
export function JobList(props: JobListProps) {
  return 'jobs' in props ? <JobTable {...props} /> : <NewestJobs {...props} />
}

function NewestJobs({ pageSize = 25, ...props }: JobListProps) {
  const [pages, setPages] = useState(1)
  const { jobs, hasMore, isLoading, error } = useTrainingJobs({ limit: pageSize * pages })
  return (
    <JobTable
      {...props}
      jobs={jobs}
      isLoading={isLoading}
      error={error}
      onMore={hasMore ? () => setPages(pages + 1) : undefined}
    />
  )
}

interface JobTableProps extends JobListProps {
  onMore?: (() => void) | undefined
}

function JobTable({
  jobs,
  isLoading = false,
  error = null,
  href,
  renderLink,
  className,
  onMore,
}: JobTableProps) {
  const { jobs: words } = useMessages()
  return (
    <div className={classes('trainstop-root trainstop-jobs', className)} aria-busy={isLoading || undefined}>
      {error && <ErrorMessage error={error} reading />}
      {isLoading && <p className="trainstop-empty">{words.loading}</p>}
      {jobs?.length === 0 && <p className="trainstop-empty">{words.empty}</p>}
      {jobs && jobs.length > 0 && (
        <table className="trainstop-jobs-table" aria-label={words.label}>
          <thead className="trainstop-jobs-head">
            <tr className="trainstop-jobs-heading-row">
              {(['name', 'status', 'progress', 'started'] as const).map((column) => (
                <th key={column} scope="col" className="trainstop-jobs-heading" data-part={column}>
                  {words[column]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <JobRow key={job.id} job={job} link={linkTo(job)} />
            ))}
          </tbody>
        </table>
      )}
      {onMore && (
        <ControlButton className="trainstop-jobs-more" part="more" onPress={onMore}>
          {words.more}
        </ControlButton>
      )}
    </div>
  )

  function linkTo(job: Job): ReactNode {
    const link = { className: 'trainstop-jobs-link', children: job.name }
    if (renderLink) return renderLink(job, link)
    return href ? <a href={href(job)} {...link} /> : <span {...link} />
  }
}

function JobRow({ job, link }: { job: Job; link: ReactNode }) {
  const messages = useMessages()
  const started = job.started_at ?? job.progress.started_at
  const about = aboutOf(job, messages)
  return (
    <tr className="trainstop-jobs-row" data-job={job.id} data-status={job.raw_status}>
      <th scope="row" className="trainstop-jobs-cell" data-part="name">
        {link}
        {about && <span className="trainstop-jobs-about">{about}</span>}
      </th>
      <td className="trainstop-jobs-cell" data-part="status">
        <span className="trainstop-status" data-status={job.raw_status}>
          <JobStatusMark status={job.status} raw={job.raw_status} health={job.health} />
        </span>
      </td>
      <td className="trainstop-jobs-cell" data-part="progress">
        <span className="trainstop-jobs-bar trainstop-progress" data-status={job.raw_status}>
          <ProgressOf job={job} />
          <span>{progressOf(job, messages)}</span>
        </span>
      </td>
      <td className="trainstop-jobs-cell" data-part="started">
        {started ? (
          <time dateTime={started}>{formatMoment(started, messages.locale)}</time>
        ) : (
          messages.jobs.notStarted
        )}
      </td>
    </tr>
  )
}

function aboutOf(job: Job, { jobs, locale }: TrainstopMessages): string {
  return [
    job.template,
    job.attempt > 1 && jobs.attempt(formatCount(job.attempt, locale)),
    job.resumed_from && jobs.resumed,
  ]
    .filter(Boolean)
    .join(' · ')
}

function progressOf({ progress }: Job, { progress: words, locale }: TrainstopMessages): string {
  const { step, step_total } = progress
  if (step === null) return ''
  const shown = formatCount(step, locale)
  return step_total === null ? shown : words.of(shown, formatCount(step_total, locale))
}

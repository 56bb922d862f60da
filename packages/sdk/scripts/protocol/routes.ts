/** Every route of protocol v1, below `/api/training`. The OpenAPI file is made of these. */
export interface Route {
  method: 'get' | 'post'
  path: string
  summary: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: string
  bodyRequired?: boolean
  answer: string
  /** 200 if left out. */
  success?: 201
  /** Answers 304 to an `If-None-Match` with its ETag. */
  etag?: boolean
  /** Answers the same with 503 while the server is not ready. */
  notReady?: boolean
  stream?: boolean
  open?: boolean
  errors: string[]
}

const commandHeaders = {
  'Idempotency-Key': 'One key per intent. The same key joins the same command; with another body it is 422.',
  Prefer: '`wait=N`: answer when the command has ended or N seconds (at most 60) have passed.',
}
const ifMatch = {
  'If-Match':
    "The job's ETag (its status_version): pause and resume are refused when status or command have changed since. A cancel takes it and is never refused by it.",
}
const commandErrors = ['invalid_request', 'not_supported', 'conflict', 'job_not_found']

export const routes: Route[] = [
  {
    method: 'post',
    path: '/local/{job_id}/control',
    summary: 'Cancel, pause or resume a job.',
    headers: { ...commandHeaders, ...ifMatch },
    body: 'ControlRequest',
    bodyRequired: true,
    answer: 'ControlAnswer',
    errors: [...commandErrors, 'no_checkpoint', 'precondition_failed'],
  },
  ...(['cancel', 'pause', 'resume'] as const).map(
    (action): Route => ({
      method: 'post',
      path: `/${action}/{job_id}`,
      summary: `The same as the control call with action ${action}.`,
      headers: { ...commandHeaders, ...ifMatch },
      body: { cancel: 'CancelOptions', pause: 'PauseOptions', resume: 'ResumeOptions' }[action],
      bodyRequired: false,
      answer: 'ControlAnswer',
      errors: [
        ...commandErrors,
        ...(action === 'resume' ? ['no_checkpoint'] : []),
        ...(action === 'cancel' ? [] : ['precondition_failed']),
      ],
    }),
  ),
  {
    method: 'post',
    path: '/jobs',
    summary: 'Start a job from a template that the operator allow-listed.',
    headers: { 'Idempotency-Key': 'The same key starts one job only.' },
    body: 'StartRequest',
    bodyRequired: true,
    answer: 'JobAnswer',
    success: 201,
    errors: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/jobs',
    summary: 'Jobs, newest first.',
    query: {
      cursor: '`next_cursor` of the page before.',
      limit: 'At most 200; 50 if left out.',
      status: 'Only jobs of this status; several with commas.',
    },
    answer: 'JobsAnswer',
    errors: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}',
    summary: 'One job. ETag is its status_version.',
    headers: { 'If-None-Match': 'Answer 304 while the ETag is still this one.' },
    etag: true,
    answer: 'JobAnswer',
    errors: ['job_not_found'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}/events',
    summary: 'Server-sent events: a snapshot first, or all since a cursor; ends after `end`.',
    query: { cursor: '`<generation>.<seq>`, as Last-Event-ID.' },
    headers: { 'Last-Event-ID': 'Go on after this event.' },
    answer: 'Event',
    stream: true,
    errors: ['job_not_found'],
  },
  {
    method: 'post',
    path: '/events',
    summary:
      'Server-sent events of many jobs in one stream, each as in its own. `bookmark` says that nothing was missed of a job so far, `gone` that there is no such job. The stream ends when all its jobs have.',
    body: 'EventsRequest',
    bodyRequired: true,
    answer: 'Event',
    stream: true,
    errors: ['invalid_request'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}/metrics',
    summary: 'All metric rows so far, as columns.',
    query: {
      max_points:
        'Thin the rows out to about this many; every metric keeps its extremes, its ends and what is not finite.',
    },
    answer: 'MetricsAnswer',
    errors: ['job_not_found', 'invalid_request'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}/logs',
    summary: 'A piece of the log, by byte offset.',
    query: {
      attempt: 'The newest if left out.',
      offset:
        'First byte; negative counts from the end. 0 if left out. Where it is no longer kept, the answer begins later and says where.',
      limit: 'At most 1048576 bytes; 65536 if left out.',
    },
    answer: 'LogsAnswer',
    errors: ['job_not_found', 'not_found', 'invalid_request'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}/checkpoints',
    summary: 'Checkpoints of all attempts, newest first.',
    answer: 'CheckpointsAnswer',
    errors: ['job_not_found'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}/commands',
    summary: 'Commands, newest first, with their receipts.',
    answer: 'CommandsAnswer',
    errors: ['job_not_found'],
  },
  {
    method: 'get',
    path: '/jobs/{job_id}/commands/{command_id}',
    summary: 'One command, with its receipts.',
    answer: 'CommandAnswer',
    errors: ['job_not_found', 'not_found'],
  },
  {
    method: 'post',
    path: '/jobs/{job_id}/report',
    summary: 'A run reports on itself, with its own token, and hears what is asked of it.',
    body: 'ReportRequest',
    bodyRequired: true,
    answer: 'ReportAnswer',
    errors: ['job_not_found', 'invalid_request', 'conflict'],
  },
  {
    method: 'get',
    path: '/capabilities',
    summary: 'What this server can do, and what it may start.',
    answer: 'CapabilitiesAnswer',
    errors: [],
  },
  {
    method: 'get',
    path: '/health',
    summary: 'Is the server live and ready? Needs no token and tells nothing else.',
    query: { check: '`live`: 200 for as long as it answers. `ready` if left out: 503 while it is not.' },
    notReady: true,
    answer: 'HealthAnswer',
    open: true,
    errors: [],
  },
]

import { jobStatuses } from '../../protocol/job'
import { controlRequest, startRequest } from '../../protocol/schemas/control'
import type { MockJobs } from '../mock/mockJobs'
import { Refusal } from '../mock/refusal'
import { wireTemplate } from '../mock/template'
import { answer } from './answer'
import { askedBy, jobIdOf, type MockCaller, ownerOf } from './asker'
import { parseBody, readBody } from './body'
import { logPiece } from './logPiece'
import { joinedColumns, thinned } from './metricPage'
import { numberIn } from './query'
import type { Received } from './received'
import type { Route } from './route'
import { settledResult } from './settledResult'

/** A call that found its route, by somebody who may make it. */
export interface Call {
  received: Received
  route: Route
  caller: MockCaller
  requestId: string
}

/** The version that the mock's capabilities tell: that of the protocol it speaks, not of the package. */
const server = { name: 'trainstop-mock', version: '1' }
const page = 50
const largestPage = 200

/** Answers every call but for streams. Throws a Refusal. */
export async function answerCall(jobs: MockJobs, call: Call): Promise<Response> {
  const { received, route, caller, requestId } = call
  const { url } = received
  const owner = ownerOf(received, caller)
  const jobId = route.jobId === null ? '' : jobIdOf(route.jobId)
  switch (route.name) {
    case 'control':
      return control(jobs, call, jobId)
    case 'start': {
      const asked = askedBy(received, caller)
      const job = jobs.start(parseBody(startRequest, readBody(received)), asked)
      return answer({ job }, requestId, { status: 201 })
    }
    case 'jobs':
      return answer(newest(jobs, owner, url), requestId)
    case 'job':
      return oneJob(jobs, call, jobId, owner)
    case 'metrics': {
      const { batches, seq } = jobs.record(jobId, owner)
      const most = numberIn(url, 'max_points', { minimum: 2, maximum: 1_000_000 })
      const columns = joinedColumns(batches)
      const shown = most === null ? columns : thinned(columns, most)
      return answer({ generation: jobs.generation, seq, columns: shown }, requestId)
    }
    case 'logs':
      return answer(logs(jobs, jobId, owner, url), requestId)
    case 'checkpoints': {
      const kept = jobs.record(jobId, owner).checkpoints.filter(({ removed_at }) => removed_at === null)
      const age = ({ saved_at }: (typeof kept)[number]) => Date.parse(saved_at)
      return answer({ checkpoints: kept.reverse().sort((a, b) => age(b) - age(a)) }, requestId)
    }
    case 'commands':
      return answer({ commands: [...jobs.record(jobId, owner).commands].reverse() }, requestId)
    case 'command': {
      const command = jobs.record(jobId, owner).commands.find(({ id }) => id === route.commandId)
      if (command) return answer({ command }, requestId)
      throw new Refusal('not_found', 'The job has no such command.')
    }
    case 'capabilities':
      return answer({ protocol: 1, server, templates: jobs.templates.map(wireTemplate) }, requestId)
    case 'health':
      return answer({ live: true, ready: true, version: server.version }, requestId)
    case 'events':
    case 'events_of_many':
      throw new Error('a stream is no answer')
  }
}

async function control(jobs: MockJobs, call: Call, jobId: string): Promise<Response> {
  const { received, route, caller, requestId } = call
  const body = readBody(received)
  const request = parseBody(controlRequest, route.action === null ? body : { ...body, action: route.action })
  // A stop is not to fail for a header that it has no use for.
  const asked = askedBy(received, caller, { ifMatch: request.action !== 'cancel' })
  const result = jobs.control(jobId, request, asked)
  const settled = await settledResult(jobs, received, result)
  const headers = settled.waited === null ? {} : { 'preference-applied': `wait=${settled.waited}` }
  return answer({ action: request.action, job_id: jobId, result: settled.result }, requestId, { headers })
}

function oneJob(
  jobs: MockJobs,
  { received, requestId }: Call,
  jobId: string,
  owner: string | null,
): Response {
  const job = jobs.job(jobId, owner)
  const etag = `"${job.status_version}"`
  const headers = { etag, 'cache-control': 'no-cache, private' }
  const known = (received.headers.get('if-none-match') ?? '').split(',').map((tag) => tag.trim())
  if (known.some((tag) => tag.replace(/^W\//, '') === etag))
    return new Response(null, { status: 304, headers })
  return answer({ job }, requestId, { headers })
}

function newest(jobs: MockJobs, owner: string | null, url: URL) {
  const wanted = url.searchParams.getAll('status').flatMap((text) => text.split(',').filter(Boolean))
  const unknown = wanted.find((status) => !(jobStatuses as readonly string[]).includes(status))
  if (unknown) {
    const sentence = `status must be of ${jobStatuses.join(', ')}.`
    throw new Refusal('invalid_request', sentence, { field: 'status' })
  }
  const cursor = url.searchParams.get('cursor')
  const before = cursor === null ? null : /^before-([0-9]{1,15})$/.exec(cursor)
  if (cursor !== null && !before) {
    const sentence = "cursor is none of this server's; leave it out to begin anew."
    throw new Refusal('invalid_request', sentence, { field: 'cursor' })
  }
  const limit = numberIn(url, 'limit', { minimum: 1, maximum: largestPage }) ?? page
  const found = jobs
    .records(owner)
    .filter(({ status }) => wanted.length === 0 || wanted.includes(status))
    .filter(({ number }) => before === null || number < Number(before?.[1]))
  const shown = found.slice(0, limit)
  const last = shown.at(-1)
  return {
    jobs: shown.map(({ id }) => jobs.job(id)),
    next_cursor: found.length > limit && last ? `before-${last.number}` : null,
  }
}

function logs(jobs: MockJobs, jobId: string, owner: string | null, url: URL) {
  const job = jobs.record(jobId, owner)
  const attempt = numberIn(url, 'attempt', { minimum: 1 }) ?? job.attempt
  const offset = numberIn(url, 'offset', { minimum: -Number.MAX_SAFE_INTEGER }) ?? 0
  const limit = numberIn(url, 'limit', { minimum: 4, maximum: 1024 * 1024 }) ?? 64 * 1024
  if (attempt > job.attempt)
    throw new Refusal('not_found', 'The job has no such attempt.', { field: 'attempt' })
  const complete = attempt < job.attempt || job.current.endedAt !== null
  const output = job.logs.get(attempt) ?? new Uint8Array()
  return { attempt, ...logPiece(output, { offset, limit, complete }) }
}

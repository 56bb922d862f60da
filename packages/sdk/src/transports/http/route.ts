import type { TransportCall } from '../transportCall'

/** A call as HTTP. */
export interface HttpRoute {
  method: 'GET' | 'POST'
  /** Below the base URL, query included. */
  path: string
  body?: unknown
  idempotencyKey?: string
  ifMatch?: string
}

export function routeOf(call: TransportCall): HttpRoute {
  switch (call.name) {
    case 'startJob':
      return { method: 'POST', path: '/jobs', body: call.body, idempotencyKey: call.idempotencyKey }
    case 'controlJob': {
      const path = `/local/${encodeURIComponent(call.jobId)}/control`
      const { body, idempotencyKey, statusVersion = null } = call
      const ifMatch = statusVersion === null ? {} : { ifMatch: `"${statusVersion}"` }
      return { method: 'POST', path, body, idempotencyKey, ...ifMatch }
    }
    case 'getJob':
      return get(ofJob(call.jobId, ''))
    case 'listJobs':
      return get('/jobs', { cursor: call.cursor, limit: call.limit, status: call.statuses?.join() || null })
    case 'getMetrics':
      return get(ofJob(call.jobId, '/metrics'), { max_points: call.maxPoints })
    case 'getLogs': {
      const { attempt, offset, limit } = call
      return get(ofJob(call.jobId, '/logs'), { attempt, offset, limit })
    }
    case 'listCheckpoints':
      return get(ofJob(call.jobId, '/checkpoints'))
    case 'getCommand':
      return get(ofJob(call.jobId, `/commands/${encodeURIComponent(call.commandId)}`))
    case 'listCommands':
      return get(ofJob(call.jobId, '/commands'))
    case 'getCapabilities':
      return get('/capabilities')
  }
}

export function eventsRoute(jobId: string): HttpRoute {
  return get(ofJob(jobId, '/events'))
}

/** One stream for many jobs: each with the cursor to go on from, null for none. */
export function eventsOfManyRoute(jobs: Record<string, string | null>): HttpRoute {
  return { method: 'POST', path: '/events', body: { jobs } }
}

/** Whether a call changes nothing, wherever it is lost. */
export function isRead({ method, path }: HttpRoute): boolean {
  return method === 'GET' || path === '/events'
}

function ofJob(jobId: string, rest: string): string {
  return `/jobs/${encodeURIComponent(jobId)}${rest}`
}

function get(path: string, query: Record<string, string | number | null> = {}): HttpRoute {
  const given = Object.entries(query).filter(([, value]) => value !== null)
  const search = given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')
  return { method: 'GET', path: search === '' ? path : `${path}?${search}` }
}

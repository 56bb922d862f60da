import { type CommandAction, commandActions, idPattern } from '../protocol'

/** A call that the handler knows. Only these are ever forwarded, with a path that is made anew from checked ids. */
export type KnownRoute =
  | { kind: 'control'; jobId: string; action: CommandAction | 'in_body'; path: string }
  | { kind: 'start'; path: string }
  | { kind: 'list'; path: string }
  | { kind: 'about'; path: string }
  | { kind: 'watch'; path: string }
  | { kind: 'read'; jobId: string; path: string; stream: boolean }

export type RouteMatch =
  | { found: KnownRoute }
  | { problem: 'no_such_route' }
  | { problem: 'no_such_job' }
  | { problem: 'method_not_allowed'; allow: string }

const jobParts = ['metrics', 'logs', 'checkpoints', 'commands', 'rules']

/** Finds the route of a path below the base path, such as `/jobs/job_1/events`. */
export function matchRoute(method: string, path: string): RouteMatch {
  const segments = decode(path)
  if (segments === null) return { problem: 'no_such_route' }
  const [first, id, last] = segments
  const length = segments.length

  if (length === 1 && first === 'jobs') {
    if (method === 'POST') return { found: { kind: 'start', path: '/jobs' } }
    return withMethod(method, 'GET', { kind: 'list', path: '/jobs' }, 'GET, POST')
  }
  if (length === 1 && (first === 'capabilities' || first === 'health')) {
    return withMethod(method, 'GET', { kind: 'about', path: `/${first}` })
  }
  if (length === 1 && first === 'events') {
    return withMethod(method, 'POST', { kind: 'watch', path: '/events' })
  }
  if (length === 2 && first === 'jobs') {
    return ofJob(id, (jobId) =>
      withMethod(method, 'GET', { kind: 'read', jobId, path: `/jobs/${jobId}`, stream: false }),
    )
  }
  if (length === 3 && first === 'jobs' && (last === 'events' || jobParts.includes(last ?? ''))) {
    const stream = last === 'events'
    return ofJob(id, (jobId) =>
      withMethod(method, 'GET', { kind: 'read', jobId, path: `/jobs/${jobId}/${last}`, stream }),
    )
  }
  if (length === 4 && first === 'jobs' && last === 'commands') {
    const command = segments[3]
    if (command === undefined || !idPattern.test(command)) return { problem: 'no_such_route' }
    return ofJob(id, (jobId) =>
      withMethod(method, 'GET', {
        kind: 'read',
        jobId,
        path: `/jobs/${jobId}/commands/${command}`,
        stream: false,
      }),
    )
  }
  if (length === 3 && first === 'local' && last === 'control') {
    return ofJob(id, (jobId) =>
      withMethod(method, 'POST', {
        kind: 'control',
        jobId,
        action: 'in_body',
        path: `/local/${jobId}/control`,
      }),
    )
  }
  const action = commandActions.find((name) => name === first)
  if (length === 2 && action) {
    return ofJob(id, (jobId) =>
      withMethod(method, 'POST', { kind: 'control', jobId, action, path: `/${action}/${jobId}` }),
    )
  }
  return { problem: 'no_such_route' }
}

function withMethod(method: string, wanted: string, found: KnownRoute, allow = wanted): RouteMatch {
  return method === wanted ? { found } : { problem: 'method_not_allowed', allow }
}

function ofJob(id: string | undefined, then: (jobId: string) => RouteMatch): RouteMatch {
  return id !== undefined && idPattern.test(id) ? then(id) : { problem: 'no_such_job' }
}

function decode(path: string): string[] | null {
  try {
    return path.split('/').slice(1).map(decodeURIComponent)
  } catch {
    return null
  }
}

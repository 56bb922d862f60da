import type { CommandAction } from '../../protocol'
import type { MockCallName } from './fault'

/** What a path is about. */
export interface Route {
  name: MockCallName
  jobId: string | null
  commandId: string | null
  /** Of a control call whose path says it. */
  action: CommandAction | null
}

const patterns: { name: MockCallName; method: 'GET' | 'POST'; path: RegExp }[] = [
  { name: 'control', method: 'POST', path: /^\/local\/(?<job>[^/]+)\/control$/ },
  { name: 'control', method: 'POST', path: /^\/(?<action>cancel|pause|resume)\/(?<job>[^/]+)$/ },
  { name: 'start', method: 'POST', path: /^\/jobs$/ },
  { name: 'jobs', method: 'GET', path: /^\/jobs$/ },
  { name: 'job', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)$/ },
  { name: 'events', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)\/events$/ },
  { name: 'events_of_many', method: 'POST', path: /^\/events$/ },
  { name: 'metrics', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)\/metrics$/ },
  { name: 'logs', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)\/logs$/ },
  { name: 'checkpoints', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)\/checkpoints$/ },
  { name: 'commands', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)\/commands$/ },
  { name: 'command', method: 'GET', path: /^\/jobs\/(?<job>[^/]+)\/commands\/(?<command>[^/]+)$/ },
  { name: 'capabilities', method: 'GET', path: /^\/capabilities$/ },
  { name: 'health', method: 'GET', path: /^\/health$/ },
]

/** The route of a call; the methods that its path takes, where it is another; null where there is nothing. */
export function routeOf(method: string, path: string): Route | { methods: string[] } | null {
  const found = patterns.flatMap((pattern) => {
    const match = pattern.path.exec(path)
    return match ? [{ ...pattern, groups: match.groups ?? {} }] : []
  })
  const route = found.find((each) => each.method === method)
  if (!route) return found.length > 0 ? { methods: found.map((each) => each.method).sort() } : null
  const { name, groups } = route
  const decoded = (text: string | undefined) => (text === undefined ? null : decode(text))
  return {
    name,
    jobId: decoded(groups.job),
    commandId: decoded(groups.command),
    action: (groups.action as CommandAction | undefined) ?? null,
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // no id then
  }
}

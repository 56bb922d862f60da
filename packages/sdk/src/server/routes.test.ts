import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { matchRoute } from './routes'

const openapi = JSON.parse(readFileSync(new URL('../../protocol/openapi.json', import.meta.url), 'utf8'))
/** A run speaks to its training server itself, with a token of its own; no browser does. */
const ofRunsAlone = '/jobs/{job_id}/report'
const calls = Object.entries<object>(openapi.paths)
  .filter(([path]) => path !== ofRunsAlone)
  .flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path] as const))

describe('matchRoute', () => {
  it.each(calls)('knows %s %s of the protocol', (method, template) => {
    const below = template.replace('/api/training', '').replaceAll(/\{\w+\}/g, 'id_1')
    expect(matchRoute(method, below)).toMatchObject({ found: { path: below } })
  })

  it('hands no report of a run on', () => {
    expect(openapi.paths).toHaveProperty([ofRunsAlone])
    expect(matchRoute('POST', '/jobs/job_1/report')).toEqual({ problem: 'no_such_route' })
  })

  it('knows one command of a job', () => {
    const path = '/jobs/job_1/commands/cmd_1'
    expect(matchRoute('GET', path)).toEqual({ found: { kind: 'read', jobId: 'job_1', path, stream: false } })
    expect(matchRoute('GET', '/jobs/job_1/commands/..%2f')).toEqual({ problem: 'no_such_route' })
  })

  it('makes the path anew, so that two spellings of an id are one', () => {
    expect(matchRoute('GET', '/jobs/%6aob_1')).toMatchObject({
      found: { jobId: 'job_1', path: '/jobs/job_1' },
    })
  })
})

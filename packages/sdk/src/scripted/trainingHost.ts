import { createTrainingHandler, type TrainingHandlerOptions } from '../server/createTrainingHandler'
import { sampleCommand, vector, wireJob } from './samples'
import { answer, type Script, type ScriptedServer, scriptedServer } from './scriptedServer'

export interface User {
  id: string
  name?: string
  admin?: boolean
}
export const ada: User = { id: 'u_1', name: 'Ada Łovelace' }
export const token = 'service-token-of-the-host'

export const notFound = { success: false, error: 'There is no such job.', code: 'job_not_found' }

/** A training server with one job of Ada's and one of Bob's, as the real one keeps owners apart. */
export const trainingServer: Script = ({ path, method, headers }, response) => {
  if (headers.authorization !== `Bearer ${token}`) return answer(response, 401, {})
  const owner = headers['trainstop-owner'] ? decodeURIComponent(String(headers['trainstop-owner'])) : null
  const jobs = [wireJob({ id: 'ada_1', owner: 'u_1' }), wireJob({ id: 'bob_1', owner: 'u_2' })]
  const visible = jobs.filter((job) => owner === null || job.owner === owner)
  const route = path.replace('/api/training', '')
  if (route.startsWith('/jobs?') || route === '/jobs') {
    if (method === 'POST')
      return answer(response, 201, { success: true, job: wireJob({ id: 'new_1', owner }) })
    return answer(response, 200, { success: true, jobs: visible, next_cursor: null })
  }
  if (route === '/capabilities') return answer(response, 200, vector('CapabilitiesAnswer'))
  const job = visible.find(({ id }) => route.split(/[/?]/).includes(id))
  if (!job) return answer(response, 404, { ...notFound, error: `No job ${route}.` })
  if (method === 'GET')
    return answer(response, 200, { success: true, job }, { etag: '"7"', 'set-cookie': 'a=b' })
  const result = { outcome: 'accepted', command: sampleCommand({ id: 'cmd_7' }), job }
  answer(response, 200, { success: true, action: 'cancel', job_id: job.id, result })
}

/** The handler of a host before such a server, and what calls it. */
export async function host(
  options: Partial<TrainingHandlerOptions<User>> = {},
  script: Script = trainingServer,
) {
  const upstream: ScriptedServer = await scriptedServer(script)
  const handler = createTrainingHandler<User>({
    authenticate: () => ada,
    trainingServer: { url: upstream.origin, token },
    ...options,
  })
  const call = (path: string, init: RequestInit = {}) =>
    handler(new Request(`https://app.example/api/training${path}`, init))
  const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    call(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    })
  return { upstream, handler, call, post }
}

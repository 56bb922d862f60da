/** The smallest server that is compatible: one call, ids for keys, and whatever it likes in `result`. */
export function minimalServer() {
  const jobs = new Map<string, 'running' | 'paused' | 'stopped'>()
  const received: { jobId: string; body: Record<string, unknown>; headers: Headers }[] = []
  const becomes = { cancel: 'stopped', pause: 'paused', resume: 'running' } as const

  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    const match = /\/api\/training\/local\/([^/]+)\/control$/.exec(new URL(request.url).pathname)
    if (request.method !== 'POST' || !match?.[1]) return new Response('Cannot GET that', { status: 404 })
    const jobId = match[1]
    const body: Record<string, unknown> = await request.json()
    const answer = (status: number, value: object) => Response.json(value, { status })
    if (!jobs.has(jobId))
      return answer(404, { success: false, error: `No job ${jobId}.`, code: 'job_not_found' })
    const { action } = body
    if (action !== 'cancel' && action !== 'pause' && action !== 'resume')
      return answer(400, { success: false, error: 'action must be cancel, pause or resume.' })
    received.push({ jobId, body, headers: request.headers })
    if (action === 'resume' && jobs.get(jobId) === 'running')
      return answer(409, { success: false, error: 'It is running.', code: 'conflict' })
    jobs.set(jobId, becomes[action])
    return answer(200, { success: true, action, job_id: jobId, result: { message: 'ok', pid: 4711 } })
  }
  return { fetch, jobs, received }
}

/** A stop, from the call to the job's end, with the SDK as an app of someone else has it: through real HTTP. */
const { createServer } = require('node:http')

exports.journey = async ({ root, query, server, protocol }, vectors) => {
  const { cancelJob, createTrainingClient, getJob, http, subscribeJob } = root
  const job = { ...vectors.Job, id: 'job_1', generation: 1, end: null }
  const command = { ...vectors.Command, job_id: 'job_1', action: 'cancel' }
  const at = (status, seq) => ({ ...job, status, seq })
  let stopping = () => {}
  const stopped = new Promise((resolve) => {
    stopping = resolve
  })
  const training = createServer((request, response) => {
    const answer = (body) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ success: true, ...body }))
    }
    if (request.method === 'POST' && request.url.endsWith('/control')) {
      stopping()
      const result = { outcome: 'accepted', command, job: at('stopping', 2) }
      return answer({ action: 'cancel', job_id: 'job_1', result })
    }
    if (!request.url.endsWith('events')) return answer({ job: at('running', 1) })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (type, seq, data) => {
      const event = { job_id: 'job_1', generation: 1, seq, at: '2026-11-23T18:09:00.123Z', type, data }
      response.write(`id: 1.${seq}\nevent: ${type}\ndata: ${JSON.stringify(event)}\n\n`)
    }
    send('job', 1, at('running', 1))
    stopped.then(() => {
      send('job', 2, at('stopping', 2))
      send('job', 3, at('cancelled', 3))
      send('end', 3, { status: 'cancelled' })
      response.end()
    })
  })
  await new Promise((resolve) => training.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${training.address().port}/api/training`

  const client = createTrainingClient({ transport: http({ url }) })
  const read = await getJob(client, { jobId: 'job_1' })
  const seen = []
  for await (const update of subscribeJob(client, { jobId: 'job_1' })) {
    const status = update.job?.status
    if (status && seen.at(-1) !== status) seen.push(status)
    if (status === 'running') await cancelJob(client, { jobId: 'job_1', reason: 'overfitting' })
  }
  const handler = server.createTrainingHandler({
    authenticate: () => null,
    trainingServer: { url, token: 'secret' },
  })
  const refused = await handler(new Request('http://localhost/api/training/jobs'))
  training.closeAllConnections()
  await new Promise((resolve) => training.close(resolve))
  return {
    read: read.ok && read.job.status,
    seen,
    refused: refused.status,
    query: typeof query.jobQueryOptions(client, { jobId: 'job_1' }).queryFn,
    schema: protocol.job.safeParse(job).success,
  }
}

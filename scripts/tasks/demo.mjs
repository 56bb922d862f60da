import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { inRoot } from '../paths.mjs'
import { PlainError } from '../plain-error.mjs'
import { build } from '../setup/build.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { inPython, installPython } from '../setup/python-environment.mjs'

const usage = 'npm run demo -- [--port N] [--data DIR] [--no-open]'

/** The training server, the example dashboard in front of it, and one line that says where to look. */
export async function run(args) {
  const { port, data, open } = options(args)
  await Promise.all([installNodePackages(), installPython({ forTests: false })])
  await build()

  mkdirSync(data, { recursive: true, mode: 0o700 })
  const tokenFile = join(data, 'token')
  const server = await startServer(data, tokenFile)
  const dashboard = await startDashboard(data, tokenFile, server.url, port).catch(async (error) => {
    await server.end()
    throw error
  })

  console.log(`Dashboard: ${dashboard.url}`)
  if (open) openInBrowser(dashboard.url)

  const why = await Promise.race([signalled(), server.died, dashboard.died])
  if (why === 'signal') await pauseRuns(server.url, tokenFile)
  await dashboard.end()
  await server.end()
  console.log(
    `Stopped. Runs, checkpoints and logs stay in ${relative(process.cwd(), data) || data}; run it again to go on.`,
  )
  if (why !== 'signal') throw new PlainError(`${why} ended by itself. Its log is in ${data}.`)
}

function options(args) {
  let values
  try {
    values = parseArgs({
      args,
      options: { port: { type: 'string' }, data: { type: 'string' }, 'no-open': { type: 'boolean' } },
    }).values
  } catch (error) {
    throw new PlainError(`${error.message}\nUsage: ${usage}`)
  }
  const port = values.port === undefined ? null : Number(values.port)
  if (port !== null && !(Number.isInteger(port) && port >= 0 && port <= 65_535))
    throw new PlainError(`--port takes a number from 0 to 65535, not "${values.port}".\nUsage: ${usage}`)
  return {
    port,
    data: values.data ?? inRoot('.trainstop-demo'),
    open: !values['no-open'] && process.stdout.isTTY,
  }
}

async function startServer(data, tokenFile) {
  return startChild('The training server', join(data, 'server.log'), /^Trainstop server: (\S+)/, [
    inPython('trainstop'),
    'serve',
    ...['--host', '127.0.0.1', '--port', '0'],
    ...['--data', join(data, 'server'), '--token-file', tokenFile],
    ...['--config', inRoot('examples/training/trainstop.toml')],
  ])
}

async function startDashboard(data, tokenFile, trainingServer, port) {
  return startChild(
    'The dashboard',
    join(data, 'dashboard.log'),
    /^Listening: (\S+)/,
    [process.execPath, inRoot('examples/dashboard/dist/server/main.js')],
    {
      TRAINSTOP_URL: trainingServer,
      TRAINSTOP_TOKEN_FILE: tokenFile,
      PORT: port === null ? '4780' : String(port),
      // Without --port any free one will do when the usual one is taken.
      PORT_FALLBACK: port === null ? '0' : '',
    },
  )
}

/**
 * Starts a child in a process group of its own, so that Ctrl-C reaches us alone and we decide the order, and waits for
 * its ready line.
 */
async function startChild(name, log, readyLine, argv, env = {}) {
  const child = spawn(argv[0], argv.slice(1), {
    detached: true,
    stdio: ['ignore', 'pipe', openSync(log, 'a', 0o600)],
    env: { ...process.env, ...env },
  })
  const died = new Promise((resolve) => child.once('exit', () => resolve(name)))
  child.once('error', () => {})
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise((resolve) => {
    lines.on('line', (line) => {
      const match = readyLine.exec(line)
      if (match) resolve(match[1])
    })
  })
  const url = await Promise.race([ready, died.then(() => null)])
  if (url === null) {
    const last = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
    throw new PlainError(`${name} could not start:\n${last}\n(The whole log is ${log}.)`)
  }
  const end = async () => {
    child.kill('SIGTERM')
    await died
  }
  return { url, died, end }
}

function signalled() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve('signal'))
  })
}

/** A training that goes on unseen would be a surprise: each run is paused, with a checkpoint, and can be resumed. */
async function pauseRuns(url, tokenFile) {
  const headers = { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` }
  const call = async (path, init) =>
    (await fetch(`${url}${path}`, { ...init, headers: { ...headers, ...init?.headers } })).json()
  try {
    const { jobs } = await call('/jobs?status=pending,running&limit=200')
    await Promise.all(
      jobs.map(async ({ id, name }) => {
        console.log(`Pausing ${name} …`)
        const answer = await call(`/local/${id}/control`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', prefer: 'wait=30' },
          body: JSON.stringify({ action: 'pause', note: 'The demo was stopped.' }),
        })
        const job = answer.result?.job
        if (job?.status === 'paused')
          console.log(`${name} is paused at step ${job.progress.step ?? 0}, saved.`)
        else console.log(`${name} is ${job?.status ?? answer.error}; it goes on until it is stopped.`)
      }),
    )
  } catch (error) {
    console.error(`The running trainings could not be paused: ${error.message}`)
  }
}

function openInBrowser(url) {
  const command = process.platform === 'darwin' ? 'open' : 'xdg-open'
  spawn(command, [url], { stdio: 'ignore', detached: true })
    .once('error', () => {})
    .unref()
}

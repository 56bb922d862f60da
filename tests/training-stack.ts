import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { processes } from './processes'

export const root = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string) => join(root, '.venv', 'bin', name)

/** The real training server and the real example dashboard, each in a process that a test can kill. */
export class TrainingStack {
  readonly data = mkdtempSync(join(tmpdir(), 'trainstop-test-'))
  #server: ChildProcess | undefined
  #dashboard: ChildProcess | undefined
  serverUrl = ''
  dashboardUrl = ''
  #port = 0
  #config = join(root, 'examples/training/trainstop.toml')

  static async start({ dashboard = true } = {}): Promise<TrainingStack> {
    const stack = await TrainingStack.prepare()
    await stack.startServer()
    if (!dashboard) return stack
    stack.#dashboard = spawn(process.execPath, [join(root, 'examples/dashboard/dist/server/main.js')], {
      env: {
        ...process.env,
        TRAINSTOP_URL: stack.serverUrl,
        TRAINSTOP_TOKEN_FILE: stack.#tokenFile,
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', openSync(join(stack.data, 'dashboard.log'), 'a')],
    })
    stack.dashboardUrl = await readyLine(stack.#dashboard, /^Listening: (\S+)/)
    return stack
  }

  /** Nothing runs yet. `config` writes a configuration into the data directory: its path. */
  static async prepare({ config }: { config?: (data: string) => string } = {}): Promise<TrainingStack> {
    const stack = new TrainingStack()
    stack.#port = await freePort()
    if (config) stack.#config = config(stack.data)
    return stack
  }

  get #tokenFile() {
    return join(this.data, 'token')
  }

  /** On the same port and data as before. */
  async startServer(): Promise<void> {
    this.#server = spawn(
      bin('trainstop'),
      [
        'serve',
        ...['--host', '127.0.0.1', '--port', String(this.#port)],
        ...['--data', join(this.data, 'server'), '--token-file', this.#tokenFile],
        ...['--config', this.#config],
      ],
      { stdio: ['ignore', 'pipe', openSync(join(this.data, 'server.log'), 'a')] },
    )
    this.serverUrl = await readyLine(this.#server, /^Trainstop server: (\S+)/)
  }

  /** `kill -9`, as a crash or the kernel's out-of-memory killer does it. */
  async killServer(): Promise<void> {
    await ended(this.#server, 'SIGKILL')
  }

  /** Asks the training server itself, past the dashboard. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  async ask(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<any> {
    const answer = await fetch(`${this.serverUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...this.authorization,
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return answer.json()
  }

  /** The job's events as the server streams them. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they expect
  async *events(jobId: string): AsyncGenerator<any> {
    const leaving = new AbortController()
    const { body } = await fetch(`${this.serverUrl}/jobs/${jobId}/events`, {
      headers: this.authorization,
      signal: leaving.signal,
    })
    if (!body) throw new Error('The event stream has no body.')
    try {
      for await (const { data } of body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream()))
        yield JSON.parse(data)
    } finally {
      leaving.abort()
    }
  }

  get authorization() {
    return { authorization: `Bearer ${readFileSync(this.#tokenFile, 'utf8').trim()}` }
  }

  /** Ends everything, also what a failed test left behind, and removes the data. */
  async end(): Promise<void> {
    await ended(this.#dashboard, 'SIGTERM')
    await ended(this.#server, 'SIGTERM')
    const ours = () =>
      processes(({ environment, argv }) =>
        [...environment, ...argv].some((text) => text.includes(join(this.data, 'server'))),
      )
    for (let left = ours(); left.length > 0; left = ours())
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // Gone meanwhile.
        }
      }
    rmSync(this.data, { recursive: true, force: true })
  }
}

export async function readyLine(child: ChildProcess, pattern: RegExp): Promise<string> {
  if (!child.stdout) throw new Error('The child has no standard output.')
  for await (const line of createInterface({ input: child.stdout })) {
    const match = pattern.exec(line)
    if (match?.[1]) return match[1]
  }
  throw new Error(`${child.spawnargs.join(' ')} ended without saying ${pattern}.`)
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await exit
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { processes, processesOfJob } from './processes'
import { readyLine, root } from './training-stack'

const data = mkdtempSync(join(tmpdir(), 'trainstop-demo-'))
let demo: ChildProcess | undefined

function startDemo(...args: string[]): ChildProcess {
  return spawn(
    'npm',
    ['run', '--silent', 'demo', '--', '--no-open', '--port', '0', '--data', data, ...args],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    },
  )
}

/** Ctrl-C, as a terminal sends it: to the whole foreground process group. */
async function controlC(child: ChildProcess): Promise<string> {
  if (!child.pid || !child.stdout) throw new Error('The demo does not run.')
  child.stdout.resume()
  const exit = new Promise((resolve) => child.once('exit', resolve))
  const rest = text(child.stdout)
  process.kill(-child.pid, 'SIGINT')
  await exit
  return rest
}

const ours = () => processes(({ argv }) => argv.some((part) => part.includes(data)))

afterEach(() => {
  for (const { pid } of ours()) process.kill(pid, 'SIGKILL')
  if (demo?.exitCode === null && demo.signalCode === null) demo.kill('SIGKILL')
})

describe('npm run demo', () => {
  it('serves the dashboard; Ctrl-C pauses what runs and leaves nothing behind; run again, earlier runs are listed', async () => {
    demo = startDemo()
    const url = await readyLine(demo, /^Dashboard: (http:\/\/127\.0\.0\.1:\d+\/)$/)
    const page = await fetch(url)
    expect(page.status).toBe(200)
    const cookie = page.headers.get('set-cookie')?.split(';')[0] ?? ''
    const api = async (path: string, body?: unknown) => {
      const response = await fetch(new URL(`/api/training${path}`, url), {
        headers: { cookie, 'content-type': 'application/json' },
        ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
      })
      return response.json()
    }
    const { job } = await api('/jobs', { template: 'digits' })
    await expect.poll(async () => (await api(`/jobs/${job.id}`)).job.progress.step ?? 0).toBeGreaterThan(0)

    const said = await controlC(demo)
    expect(said).toMatch(/paused at step \d+, saved/)
    expect(said).toContain(`stay in`)
    expect(said).toContain(data.split('/').at(-1))
    expect(ours()).toEqual([])
    expect(processesOfJob(job.id)).toEqual([])

    demo = startDemo()
    const again = await readyLine(demo, /^Dashboard: (\S+)$/)
    const newCookie = (await fetch(again)).headers.get('set-cookie')?.split(';')[0] ?? ''
    const listed = await (
      await fetch(new URL('/api/training/jobs', again), { headers: { cookie: newCookie } })
    ).json()
    expect(listed.jobs).toMatchObject([{ id: job.id, status: 'paused' }])
    await controlC(demo)
    rmSync(data, { recursive: true, force: true })
  })

  it('says what is wrong with a wrong option', async () => {
    demo = spawn('node', ['scripts/run.mjs', 'demo', '--port', 'many'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const said = demo.stderr ? await text(demo.stderr) : ''
    expect(said).toContain('--port takes a number from 0 to 65535, not "many".')
    expect(said).not.toContain('at ')
  })
})

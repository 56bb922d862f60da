import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { openBrowser } from './browser'
import { processesOfJob } from './processes'
import { root, TrainingStack } from './training-stack'

const execute = promisify(execFile)

let stack: TrainingStack
let browser: Browser
let page: Page
const consoleErrors: string[] = []

beforeAll(async () => {
  ;[stack, browser] = await Promise.all([TrainingStack.start(), openBrowser()])
  page = await browser.newPage({ viewport: { width: 1440, height: 1000 } })
  page.setDefaultTimeout(60_000)
  page.on('pageerror', (error) => consoleErrors.push(String(error)))
})
afterAll(async () => {
  await browser?.close()
  await stack?.end()
})

/** Presses Start and waits for the run's page. */
async function startRun(): Promise<string> {
  await page.goto(stack.dashboardUrl)
  await page.getByRole('button', { name: 'Start run' }).click()
  await page.waitForURL(/\/runs\/[^/]+$/)
  await page.locator('[data-status="running"]').first().waitFor()
  return new URL(page.url()).pathname.split('/').at(-1) ?? ''
}

const status = (value: string) => page.locator(`[data-status="${value}"]`).first()
const stopButton = () => page.getByRole('button', { name: 'Stop training' }).first()
const dialog = () => page.getByRole('alertdialog')

describe('Stop, pressed in a browser', () => {
  let jobId = ''
  let stoppedAt = 0

  it('starts a run and shows its eval loss as it is measured', async () => {
    onTestFailed(() => page.screenshot({ path: join(root, '.screenshots/failed-start.png') }).then(() => {}))
    jobId = await startRun()
    await page
      .getByText(/Epoch \d+ \/ \d+/)
      .first()
      .waitFor()
    await page
      .getByText(/Step \d+ \/ \d+/)
      .first()
      .waitFor()
    await page.getByRole('heading', { name: 'Training Progress' }).waitFor()
    // The chart's text alternative names the newest value.
    await page
      .getByText(/eval_loss/)
      .first()
      .waitFor()
    await expect
      .poll(async () => (await stack.ask(`/jobs/${jobId}`)).job.latest_metrics.eval_loss?.value)
      .toBeTypeOf('number')
    await expect.poll(() => page.getByRole('log').textContent()).toMatch(/epoch/i)
  })

  it('stops it: dialog, Stopping…, cancelled, the button gone, no process left', async () => {
    onTestFailed(() => page.screenshot({ path: join(root, '.screenshots/failed-stop.png') }).then(() => {}))
    expect(processesOfJob(jobId).length).toBeGreaterThan(0)
    await page.evaluate(() => {
      const seen = new Set<string>()
      Object.assign(window, { seen })
      new MutationObserver(() => {
        for (const button of document.querySelectorAll('button')) seen.add(button.textContent ?? '')
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
    })

    await stopButton().click()
    await dialog().waitFor()
    await dialog().getByRole('button', { name: 'Keep training' }).waitFor()
    await dialog().getByRole('button', { name: 'Stop training' }).click()

    await status('cancelled').waitFor()
    await dialog().waitFor({ state: 'hidden' })
    expect(
      await page.evaluate(() => [...(window as unknown as { seen: Set<string> }).seen].join('\n')),
    ).toContain('Stopping…')
    expect(await page.getByRole('button', { name: /^(Stop training|Stopping…)/ }).count()).toBe(0)
    expect(processesOfJob(jobId)).toEqual([])

    const { commands } = await stack.ask(`/jobs/${jobId}/commands`)
    expect(commands).toHaveLength(1)
    expect(commands[0]).toMatchObject({
      action: 'cancel',
      status: 'succeeded',
      actor: { type: 'user', id: 'ada' },
    })
    expect(
      commands[0].receipts.map(({ stage, state }: { stage: string; state: string }) => `${stage} ${state}`),
    ).toEqual([
      'requested done',
      'accepted done',
      'delivered done',
      'acknowledged done',
      'checkpoint_saved done',
      'process_exited done',
      'resources_released not_measured',
    ])
  })

  it('shows the receipts', async () => {
    for (const text of [/Requested/i, /Checkpoint saved/i, /Process exited/i, /Not measured/i])
      await page.getByText(text).first().waitFor()
  })

  it('left a checkpoint that verifies and loads', async () => {
    const { job } = await stack.ask(`/jobs/${jobId}`)
    stoppedAt = job.progress.step
    const { path, step, verified, reason } = job.last_checkpoint
    expect({ step, verified, reason }).toEqual({ step: stoppedAt, verified: true, reason: 'cancel' })
    await execute(join(root, '.venv/bin/trainstop'), ['verify', path])
    const load = `import numpy, sys, pathlib
for file in pathlib.Path(sys.argv[1]).glob('*.npz'):
    with numpy.load(file, allow_pickle=False) as arrays:
        print(file.name, sum(numpy.isfinite(arrays[name]).all() for name in arrays if arrays[name].dtype.kind == 'f'))`
    const { stdout } = await execute(join(root, '.venv/bin/python'), ['-c', load, path])
    expect(stdout).toMatch(/\.npz [1-9]/)
    expect(readdirSync(path)).toContain('trainstop.json')
  })

  it('resumes from exactly that step, as a new run that knows where it came from', async () => {
    onTestFailed(() => page.screenshot({ path: join(root, '.screenshots/failed-resume.png') }).then(() => {}))
    await page
      .getByRole('button', { name: /^Resume/ })
      .first()
      .click()
    await page.waitForURL((url) => !url.pathname.endsWith(jobId))
    await status('running').waitFor()
    const resumed = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    const { job } = await stack.ask(`/jobs/${resumed}`)
    expect(job.resumed_from.job_id).toBe(jobId)
    await expect
      .poll(async () => (await stack.ask(`/jobs/${resumed}/metrics`)).columns.step[0] ?? 0, {
        timeout: 60_000,
      })
      .toBeGreaterThan(stoppedAt)
    const { columns } = await stack.ask(`/jobs/${resumed}/metrics`)
    const log = await stack.ask(`/jobs/${resumed}/logs`)
    expect(log.text).toMatch(new RegExp(`resumed from .*, step ${stoppedAt} /`))
    expect(Math.min(...columns.step.filter((step: number | null) => step !== null))).toBeLessThanOrEqual(
      stoppedAt + 5,
    )
    await stack.ask(`/local/${resumed}/control`, { action: 'cancel', mode: 'force' })
    await status('cancelled').waitFor()
    expect(processesOfJob(resumed)).toEqual([])
  })

  it('stops by keyboard alone', async () => {
    const keyboardJob = await startRun()
    await stopButton().focus()
    await page.keyboard.press('Enter')
    await dialog().waitFor()
    // The safe choice has the focus: Enter keeps training.
    await page.keyboard.press('Enter')
    await dialog().waitFor({ state: 'hidden' })
    await page.keyboard.press('Enter')
    await dialog().waitFor()
    for (let i = 0; i < 10; i++) {
      await page.keyboard.press('Tab')
      const focused = await page.evaluate(() => document.activeElement?.textContent)
      if (focused?.includes('Stop training')) break
    }
    await page.keyboard.press('Enter')
    await status('cancelled').waitFor()
    expect(processesOfJob(keyboardJob)).toEqual([])
  })

  it('raises no error in the page', () => expect(consoleErrors).toEqual([]))
})

describe('Pause, pressed in a browser', () => {
  it('saves, frees the machine, and goes on from there in the same run', async () => {
    const jobId = await startRun()
    await expect
      .poll(async () => (await stack.ask(`/jobs/${jobId}`)).job.progress.step ?? 0)
      .toBeGreaterThan(3)
    await page
      .getByRole('button', { name: /^Pause/ })
      .first()
      .click()
    await status('paused').waitFor()
    expect(processesOfJob(jobId)).toEqual([])
    const paused = (await stack.ask(`/jobs/${jobId}`)).job
    expect(paused.last_checkpoint).toMatchObject({
      step: paused.progress.step,
      verified: true,
      reason: 'pause',
    })
    await page
      .getByRole('button', { name: /^Resume/ })
      .first()
      .click()
    await status('running').waitFor()
    await expect
      .poll(async () => (await stack.ask(`/jobs/${jobId}`)).job.progress.step ?? 0)
      .toBeGreaterThan(paused.progress.step)
    expect((await stack.ask(`/jobs/${jobId}`)).job.attempt).toBe(2)
    await stack.ask(`/local/${jobId}/control`, { action: 'cancel', mode: 'force' })
    await status('cancelled').waitFor()
  })
})

describe('With the training server killed while the dialog is open', () => {
  it('says so in place, lets one try again, and nothing is stuck when the server is back', async () => {
    onTestFailed(() => page.screenshot({ path: join(root, '.screenshots/failed-away.png') }).then(() => {}))
    const jobId = await startRun()
    await stopButton().click()
    await dialog().waitFor()
    await stack.killServer()

    await dialog().getByRole('button', { name: 'Stop training' }).click()
    await dialog()
      .getByText(/can.t be reached/)
      .waitFor()
    expect(
      await dialog()
        .getByRole('button', { name: /Stop training|Try again/ })
        .first()
        .isEnabled(),
    ).toBe(true)
    // The run itself never noticed.
    expect(processesOfJob(jobId).length).toBeGreaterThan(0)

    await stack.startServer()
    expect((await stack.ask(`/jobs/${jobId}`)).job.status).toBe('running')
    await dialog()
      .getByRole('button', { name: /Stop training|Try again/ })
      .first()
      .click()
    await status('cancelled').waitFor()
    expect(processesOfJob(jobId)).toEqual([])
    expect((await stack.ask(`/jobs/${jobId}/commands`)).commands).toHaveLength(1)
  })
})

describe("Someone else's run", () => {
  it('is not there, in the list or by its address', async () => {
    const jobId = await startRun()
    const other = await browser.newContext()
    try {
      const theirs = await other.newPage()
      await theirs.goto(stack.dashboardUrl)
      await Promise.all([
        theirs.waitForEvent('load'),
        theirs.getByLabel('Signed in as').selectOption('grace'),
      ])
      await theirs.getByText('No runs yet').waitFor()
      await theirs.goto(`${stack.dashboardUrl}runs/${jobId}`)
      await theirs.getByRole('heading', { name: "This run can't be shown" }).waitFor()
      const seen = await theirs.evaluate(async (id) => {
        const answer = async (path: string, method = 'GET') => {
          const response = await fetch(`/api/training${path}`, {
            method,
            ...(method === 'POST' && {
              headers: { 'content-type': 'application/json' },
              body: '{"action":"cancel"}',
            }),
          })
          const { request_id: _, ...body } = await response.json()
          return [response.status, body]
        }
        return [
          [await answer(`/local/${id}/control`, 'POST'), await answer('/local/job_unknown/control', 'POST')],
          [await answer(`/jobs/${id}/logs`), await answer('/jobs/job_unknown/logs')],
        ]
      }, jobId)
      for (const [theirAnswer, unknownAnswer] of seen) {
        expect(theirAnswer?.[0]).toBe(404)
        expect(theirAnswer).toEqual(unknownAnswer)
      }
      expect((await stack.ask(`/jobs/${jobId}`)).job.status).toBe('running')
    } finally {
      await other.close()
      await stack.ask(`/local/${jobId}/control`, { action: 'cancel', mode: 'force' })
    }
  })
})

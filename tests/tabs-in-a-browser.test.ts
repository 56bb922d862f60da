import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostServer } from '../packages/sdk/src/scripted/hostServer'
import { createTrainingHandler } from '../packages/sdk/src/server'
import { openBrowser } from './browser'
import { root, TrainingStack } from './training-stack'

const dist = join(root, 'packages/sdk/dist')
const app = `<!doctype html><link rel="icon" href="data:,"><script type="module">
import * as sdk from '/sdk/index.js'
const { acrossTabs, createTrainingClient, http } = sdk
const transport = acrossTabs(http({ url: '/api/training' }), { name: 'u_1' })
const client = createTrainingClient({ transport })
window.app = { sdk, client, seen: [], watch(jobId) {
  sdk.watchJob(client, {
    jobId,
    onUpdate: ({ job, event }) => {
      window.app.job = job
      if (event) window.app.seen.push(event.type + ' ' + event.seq)
    },
    onEnd: (error) => { window.app.end = error ? error.code : 'final' },
  })
} }
</script>`

interface App {
  // biome-ignore lint/suspicious/noExplicitAny: what the page imports
  sdk: any
  client: unknown
  seen: string[]
  job: { status: string; progress: { step: number | null } } | null
  end: string | undefined
  watch(jobId: string): void
}
declare const window: { app: App }

let stack: TrainingStack
let browser: Browser
let context: BrowserContext
beforeAll(async () => {
  ;[stack, browser] = await Promise.all([TrainingStack.start({ dashboard: false }), openBrowser()])
  context = await browser.newContext()
})
afterAll(async () => {
  await browser?.close()
  await stack?.end()
})

/** A host app with a page of its own, which notes the streams that its pages open. */
async function hostApp() {
  const streams: string[] = []
  const handler = createTrainingHandler({
    authenticate: () => ({ id: 'u_1', name: 'Ada' }),
    trainingServer: {
      url: new URL(stack.serverUrl).origin,
      token: stack.authorization.authorization.replace('Bearer ', ''),
    },
  })
  const { url } = await hostServer(async (request) => {
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/api/training/')) {
      if (pathname.endsWith('/events'))
        streams.push(`${request.method} ${request.headers.get('last-event-id')}`)
      return handler(request)
    }
    if (pathname === '/') return new Response(app, { headers: { 'content-type': 'text/html' } })
    const file = join(dist, pathname.replace('/sdk/', ''))
    if (!existsSync(file)) return new Response(null, { status: 404 })
    return new Response(readFileSync(file), { headers: { 'content-type': 'text/javascript' } })
  })
  const open = async (): Promise<Page> => {
    const page = await context.newPage()
    page.setDefaultTimeout(120_000)
    await page.goto(new URL('/', url).href)
    await page.waitForFunction(() => window.app)
    return page
  }
  return { open, streams }
}

const stepOf = (page: Page) => page.evaluate(() => window.app.job?.progress.step ?? 0)
const reaches = (page: Page, step: number) =>
  page.waitForFunction((least) => (window.app.job?.progress.step ?? 0) >= least, step)

describe('two pages of one browser', () => {
  it('watch a run through one stream, which the other takes over without a gap when the first is closed', async () => {
    const { open, streams } = await hostApp()
    const [first, second] = [await open(), await open()]
    const jobId = await first.evaluate(async () => {
      const started = await window.app.sdk.startJob(window.app.client, { template: 'digits' })
      if (!started.ok) throw started.error
      return started.job.id as string
    })
    await first.evaluate((id) => window.app.watch(id), jobId)
    await reaches(first, 1)
    await second.evaluate((id) => window.app.watch(id), jobId)
    await reaches(second, 2)
    expect(streams).toEqual(['GET null'])

    await first.close()
    const step = await stepOf(second)
    await reaches(second, step + 2)
    expect(streams).toHaveLength(2)
    expect(streams[1]).toMatch(/^GET \d+\.\d+$/)

    await second.evaluate(async (id) => {
      const stopped = await window.app.sdk.cancelJob(window.app.client, { jobId: id, mode: 'force' })
      if (!stopped.ok) throw stopped.error
    }, jobId)
    await second.waitForFunction(() => window.app.end === 'final')
    const { seen, status } = await second.evaluate(() => ({
      seen: window.app.seen,
      status: window.app.job?.status,
    }))
    expect(status).toBe('cancelled')
    // From its snapshot on it missed nothing, and nothing came twice.
    const kept = seen
      .filter((event) => !/^(log|end|reset)/.test(event))
      .map((event) => Number(event.split(' ')[1]))
    expect(kept).toEqual(kept.map((_, index) => (kept[0] ?? 0) + index))
    expect(seen.filter((event) => event.startsWith('reset'))).toEqual([])
  })
})

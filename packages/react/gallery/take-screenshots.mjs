/** Takes pictures of the built gallery into .screenshots/: `vite build -c gallery/vite.config.ts`, then this. */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { preview } from 'vite'

const here = (relative) => fileURLToPath(new URL(relative, import.meta.url))
const out = here('../.screenshots')
mkdirSync(out, { recursive: true })
const server = await preview({ configFile: here('vite.config.ts'), preview: { port: 0, host: '127.0.0.1' } })
const url = server.resolvedUrls?.local[0]
const browser = await chromium.launch({
  executablePath: process.env.TRAINSTOP_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
})

const only = process.argv[2]
const dialogs = [
  ['running', 'Stop training', null],
  ['running', 'Stop training', 'error'],
  ['unsaved', 'Stop training', null],
  ['overdue', 'Force stop', null],
]
for (const theme of ['light', 'dark']) {
  for (const width of [320, 768, 1440]) {
    const page = await browser.newPage({
      viewport: { width, height: 900 },
      deviceScaleFactor: width < 500 ? 2 : 1,
    })
    page.on('pageerror', (error) => console.error(error))
    page.on('console', (message) => message.type() === 'error' && console.error(message.text()))
    const shoot = async (name, query, prepare = async () => {}, fullPage = true) => {
      const file = `${name}-${theme}-${width}`
      if (only && !file.includes(only)) return
      await page.goto(`${url}?theme=${theme}&${query}`)
      await page.locator('[data-status]').first().waitFor()
      await prepare()
      await page.waitForLoadState('networkidle')
      await page.evaluate(() =>
        Promise.all(
          document
            .getAnimations()
            .map((a) => (a.effect.getTiming().iterations === Infinity ? null : a.finished)),
        ),
      )
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (wide > 0) console.error(`${file}: ${wide} px wider than the window`)
      await page.screenshot({ path: `${out}/${file}.png`, fullPage })
    }
    await shoot('overview', '')
    for (const state of ['running', 'stopping', 'cancelled', 'forced', 'failed', 'pending']) {
      await shoot(state, `state=${state}`, async () => {
        if (state !== 'pending') await page.locator('.trainstop-chart canvas').waitFor()
      })
    }
    for (const [state, name, error] of dialogs) {
      await shoot(
        `dialog-${state}-${error ?? 'plain'}`,
        `state=${state}`,
        async () => {
          await page.getByRole('button', { name }).click()
          const dialog = page.getByRole('alertdialog')
          await dialog.waitFor()
          if (!error) return
          await page.evaluate((s) => window.states[s].fail(), state)
          await dialog.getByRole('button', { name }).click()
          await dialog.getByRole('alert').waitFor()
        },
        false,
      )
    }
    await page.close()
  }
}
await browser.close()
await server.close()

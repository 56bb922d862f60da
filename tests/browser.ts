import { type Browser, chromium } from 'playwright-core'
import { chromiumLaunch } from '../chromium-launch.mjs'

/** A real Chromium. `TRAINSTOP_CHROMIUM` is set by `npm test`, which finds or installs one. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.TRAINSTOP_CHROMIUM
  if (!executablePath) throw new Error('TRAINSTOP_CHROMIUM is not set. Run these tests with `npm test`.')
  return chromium.launch({ ...chromiumLaunch, executablePath })
}

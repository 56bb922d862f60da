import { type Browser, chromium } from 'playwright-core'

/** A real Chromium. `TRAINSTOP_CHROMIUM` is set by `npm test`, which finds or installs one. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = process.env.TRAINSTOP_CHROMIUM
  if (!executablePath) throw new Error('TRAINSTOP_CHROMIUM is not set. Run these tests with `npm test`.')
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

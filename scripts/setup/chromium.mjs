import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { execute } from '../command.mjs'
import { PlainError } from '../plain-error.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const usualPlaces = [
  '/usr/lib/chromium/chromium',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/**
 * The path of a Chromium for the browser tests: `TRAINSTOP_CHROMIUM`, or one that is installed, or Debian's, installed
 * now where we may. Otherwise a plain error: browser tests are never left out in silence.
 */
export async function requireChromium() {
  const wished = process.env.TRAINSTOP_CHROMIUM
  if (wished) {
    if (!runnable(wished)) throw new PlainError(`TRAINSTOP_CHROMIUM is ${wished}, which can't be run.`)
    return wished
  }
  const found = find()
  if (found) return found
  if (process.getuid?.() === 0 && (await execute(['apt-get', '--version'], { quiet: true })).code === 0) {
    console.log('Installing Chromium with apt-get …')
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    await execute(['apt-get', 'update', '-qq'], { quiet: true })
    await execute(
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-liberation'],
      {
        quiet: true,
        env,
      },
    )
    const installed = find()
    if (installed) return installed
  }
  throw new PlainError(
    'The browser tests need Chromium, and none was found. Install it (Debian: sudo apt install chromium; ' +
      'macOS: brew install --cask chromium) or name one with TRAINSTOP_CHROMIUM=/path/to/chromium.',
  )
}

function find() {
  const inPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((dir) => names.map((name) => join(dir, name)))
  return [...inPath, ...usualPlaces].find(runnable)
}

function runnable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

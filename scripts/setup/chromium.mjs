import { delimiter, join } from 'node:path'
import { PlainError } from '../plain-error.mjs'
import { installDebianPackages } from './debian-package.mjs'
import { runnable } from './runnable.mjs'

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
  await installDebianPackages('chromium', 'fonts-liberation')
  const installed = find()
  if (installed) return installed
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

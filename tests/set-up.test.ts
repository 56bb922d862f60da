import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './training-stack'

const execute = promisify(execFile)
/** A checkout in which nothing has been set up yet. */
const checkout = mkdtempSync(join(tmpdir(), 'trainstop-set-up-'))

beforeAll(() => {
  for (const path of [
    'scripts',
    'package.json',
    'packages/python-bridge/pyproject.toml',
    'packages/python-bridge/requirements.lock',
    'examples/training/requirements.txt',
  ])
    cpSync(join(root, path), join(checkout, path), { recursive: true })
})
afterAll(() => rmSync(checkout, { recursive: true, force: true }))

/** What a person reads when this part of the set-up can't be done. */
async function refusal(call: string, env: Record<string, string>): Promise<string> {
  const script = `import('./scripts/setup/${call}).catch((error) => console.log(error.constructor.name + ': ' + error.message))`
  const { stdout } = await execute(process.execPath, ['-e', script], {
    cwd: checkout,
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  return stdout.trim().split('\n').at(-1) ?? ''
}

const setUpPython = "python-environment.mjs').then((room) => room.installPython({ forTests: false })"

function fakePython(version: string): string {
  const path = join(checkout, `python-${version}`)
  const says = `case "$2" in venv) echo "The virtual environment was not created successfully because ensurepip is not available." ; exit 1;; *) echo ${version};; esac`
  writeFileSync(path, `#!/bin/sh\n${says}\n`)
  chmodSync(path, 0o700)
  return path
}

describe('on a machine where something is missing, the set-up says what in one plain sentence', () => {
  it('names the package when Python has no venv', async () => {
    const python = fakePython('3.12')
    expect(await refusal(setUpPython, { TRAINSTOP_PYTHON: python })).toBe(
      `PlainError: ${python} (Python 3.12) can't make a virtual environment: its venv package is missing. ` +
        'On Debian and Ubuntu install it with: sudo apt install python3.12-venv',
    )
  })

  it('tells of a Python that is too old', async () => {
    const python = fakePython('3.9')
    expect(await refusal(setUpPython, { TRAINSTOP_PYTHON: python })).toContain(
      `Python 3.11 or newer is needed, and only an older one was found (${python} is 3.9).`,
    )
  })

  it('does not leave out the browser tests when the named Chromium is none', async () => {
    const setUpChromium = "chromium.mjs').then((room) => room.requireChromium()"
    expect(await refusal(setUpChromium, { TRAINSTOP_CHROMIUM: '/nowhere/chromium' })).toBe(
      "PlainError: TRAINSTOP_CHROMIUM is /nowhere/chromium, which can't be run.",
    )
  })
})

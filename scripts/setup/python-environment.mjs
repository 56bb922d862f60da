import { existsSync, rmSync } from 'node:fs'
import { execute, must } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { PlainError } from '../plain-error.mjs'
import { whenChanged } from './stamp.mjs'

const environment = inRoot('.venv')
export const python = inRoot('.venv', 'bin', 'python')
export const inPython = (tool) => inRoot('.venv', 'bin', tool)

/**
 * Makes `.venv` with the bridge (editable) and what the example trainings need; `forTests` adds the test tools.
 * Versions come from `packages/python-bridge/requirements.lock`.
 */
export async function installPython({ forTests }) {
  const lock = 'packages/python-bridge/requirements.lock'
  const inputs = ['packages/python-bridge/pyproject.toml', lock, 'examples/training/requirements.txt']
  const stamp = forTests ? '.venv/.trainstop-stamp-tests' : '.venv/.trainstop-stamp'
  await whenChanged(stamp, inputs, async () => {
    await makeEnvironment()
    console.log('Installing Python packages …')
    const extras = forTests ? 'server,dev' : 'server'
    await must(
      [
        ...[python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'],
        ...['--constraint', inRoot(lock), '--editable', `${inRoot('packages/python-bridge')}[${extras}]`],
        ...['--requirement', inRoot('examples/training/requirements.txt')],
      ],
      'The Python packages could not be installed.',
      { quiet: true },
    )
  })
}

async function makeEnvironment() {
  if ((await execute([python, '-m', 'pip', '--version'], { quiet: true })).code === 0) return
  rmSync(environment, { recursive: true, force: true })
  const base = await findPython()
  console.log('Making a virtual environment in .venv …')
  const { code, output } = await execute([base.command, '-m', 'venv', environment], { quiet: true })
  if (code === 0 && existsSync(python)) return
  rmSync(environment, { recursive: true, force: true })
  if (/ensurepip|No module named venv/.test(output))
    throw new PlainError(
      `${base.command} (Python ${base.version}) can't make a virtual environment: its venv package is missing. ` +
        `On Debian and Ubuntu install it with: sudo apt install python${base.version}-venv`,
    )
  throw new PlainError(`${output}${base.command} could not make a virtual environment in .venv.`)
}

async function findPython() {
  const wished = process.env.TRAINSTOP_PYTHON
  const candidates = wished
    ? [wished]
    : ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']
  const seen = []
  for (const command of candidates) {
    const { code, output } = await execute(
      [command, '-c', 'import sys; print("%d.%d" % sys.version_info[:2])'],
      { quiet: true },
    )
    if (code !== 0) continue
    const version = output.trim()
    const [major, minor] = version.split('.').map(Number)
    if (major === 3 && minor >= 11) return { command, version }
    seen.push(`${command} is ${version}`)
  }
  throw new PlainError(
    `Python 3.11 or newer is needed${seen.length ? `, and only an older one was found (${seen.join(', ')})` : ' and was not found'}. ` +
      'Install it, or name it with TRAINSTOP_PYTHON=/path/to/python3.',
  )
}

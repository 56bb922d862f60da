import { pythonChecks, typescriptChecks } from '../checks.mjs'
import { inRoot } from '../paths.mjs'
import { build } from '../setup/build.mjs'
import { requireChromium } from '../setup/chromium.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { installPython, python } from '../setup/python-environment.mjs'
import { requireShells } from '../setup/shells.mjs'
import { runLanes } from '../steps.mjs'

const vitest = (path, env) => ({
  name: `tests of ${path}`,
  argv: [inRoot('node_modules/.bin/vitest'), 'run'],
  cwd: inRoot(path),
  env,
})

export async function run() {
  const [chromium] = await Promise.all([
    // One after the other: both may need apt-get, which works for one at a time.
    requireChromium().then((chromium) => requireShells().then(() => chromium)),
    installNodePackages(),
    installPython({ forTests: true }),
  ])
  await build()
  const env = { TRAINSTOP_CHROMIUM: chromium, TRAINSTOP_PYTHON: python, CI: '1' }
  await runLanes([
    [
      ...typescriptChecks(),
      ...['packages/sdk', 'packages/react', 'examples/hosts'].map((path) => vitest(path, env)),
    ],
    [
      ...pythonChecks(),
      {
        name: 'tests of packages/python-bridge',
        argv: [python, '-m', 'pytest', '-q', '-n', '3', '-m', 'not heavy'],
        cwd: inRoot('packages/python-bridge'),
      },
    ],
  ])
  // The whole path in a real browser: alone, for it trains on every core.
  await runLanes([[vitest('tests', env)]])
}

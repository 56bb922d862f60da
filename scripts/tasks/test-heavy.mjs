import { inRoot } from '../paths.mjs'
import { build } from '../setup/build.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { installPython, python } from '../setup/python-environment.mjs'
import { runLanes } from '../steps.mjs'

/** What takes long or needs much of the machine: the bridge's tests that are marked `heavy`. */
export async function run() {
  await Promise.all([installNodePackages(), installPython({ forTests: true })])
  await build()
  await runLanes([
    [
      {
        name: 'heavy tests of packages/python-bridge',
        argv: [python, '-m', 'pytest', '-q', '-n', '2', '-m', 'heavy'],
        cwd: inRoot('packages/python-bridge'),
      },
    ],
  ])
}

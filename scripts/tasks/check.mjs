import { pythonChecks, typescriptChecks } from '../checks.mjs'
import { build } from '../setup/build.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { installPython } from '../setup/python-environment.mjs'
import { runLanes } from '../steps.mjs'

export async function run() {
  await Promise.all([installNodePackages(), installPython({ forTests: true })])
  await build()
  await runLanes([typescriptChecks(), pythonChecks()])
}

import { execute } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { PlainError } from '../plain-error.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { installPython } from '../setup/python-environment.mjs'

export async function run(args) {
  await Promise.all([installNodePackages(), installPython({ forTests: false })])
  const { code } = await execute([
    inRoot('node_modules/.bin/tsx'),
    inRoot('tests/bench/stop-latency.ts'),
    ...args,
  ])
  if (code !== 0) throw new PlainError('The benchmark did not finish.')
}

import { must } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'

export async function run(args) {
  await installNodePackages()
  await must(['npm', 'run', '--silent', 'protocol', '--', ...args], 'The protocol could not be written.', {
    cwd: inRoot('packages/sdk'),
  })
}

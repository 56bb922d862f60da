import { must } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'

/** The API documentation of the SDK, out of its docstrings, into `.trainstop/docs/sdk`. */
export async function run() {
  await installNodePackages()
  await must([inRoot('node_modules/.bin/typedoc')], 'The documentation could not be written.', {
    cwd: inRoot('packages/sdk'),
  })
}

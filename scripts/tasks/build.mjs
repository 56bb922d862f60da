import { build } from '../setup/build.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'

export async function run() {
  await installNodePackages()
  await build()
}

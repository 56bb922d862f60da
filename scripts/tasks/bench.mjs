import { readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import { execute } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { PlainError } from '../plain-error.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { installPython, python } from '../setup/python-environment.mjs'

/** Every file of these folders is a benchmark; it prints what it measured, and takes the machine for itself. */
const folders = [inRoot('tests/bench'), inRoot('packages/python-bridge/bench')]
const runners = { '.ts': inRoot('node_modules/.bin/tsx'), '.py': python }

/** `npm run bench` runs all; `npm run bench -- NAME … [-- ARGUMENTS]` only those, with arguments of theirs. */
export async function run(args) {
  const cut = args.indexOf('--')
  const names = cut < 0 ? args : args.slice(0, cut)
  const more = cut < 0 ? [] : args.slice(cut + 1)
  const all = folders
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)))
    .filter((path) => extname(path) in runners && !basename(path).startsWith('_'))
  const known = new Map(all.map((path) => [basename(path, extname(path)), path]))
  const unknown = names.find((name) => !known.has(name))
  if (unknown)
    throw new PlainError(`There is no benchmark ${unknown}; there are ${[...known.keys()].join(', ')}.`)
  await Promise.all([installNodePackages(), installPython({ forTests: true })])
  const failed = []
  for (const name of names.length > 0 ? names : known.keys()) {
    const path = known.get(name)
    console.log(`\n── ${name}`)
    const { code } = await execute([runners[extname(path)], path, ...more])
    if (code !== 0) failed.push(name)
  }
  if (failed.length > 0) throw new PlainError(`These benchmarks did not finish: ${failed.join(', ')}.`)
}

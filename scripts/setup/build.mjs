import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../command.mjs'
import { inRoot } from '../paths.mjs'
import { whenChanged } from './stamp.mjs'

const packages = ['packages/sdk', 'packages/react', 'examples/dashboard']

/** Builds the packages and the example, each after what it imports, when a source of it or of those has changed. */
export async function build() {
  const inputs = ['pnpm-lock.yaml']
  for (const path of packages) {
    inputs.push(...sources(path))
    await whenChanged(`${path}/dist/.trainstop-stamp`, inputs, async () => {
      console.log(`Building ${path} …`)
      await must(['npm', 'run', '--silent', 'build'], `${path} could not be built.`, {
        cwd: inRoot(path),
        quiet: true,
      })
    })
  }
}

function sources(path) {
  const ignored = /(^|\/)(node_modules|dist|protocol|\.[^/]+)(\/|$)|\.test\.tsx?$|\.md$/
  return readdirSync(inRoot(path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(inRoot(path).length + 1))
    .filter((name) => !ignored.test(name.replace(/^src\/protocol\//, 'src/')))
    .map((name) => join(path, name))
    .sort()
}

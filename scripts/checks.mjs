import { inRoot } from './paths.mjs'
import { inPython } from './setup/python-environment.mjs'

const bin = (name) => inRoot('node_modules', '.bin', name)
const bridge = inRoot('packages/python-bridge')
const examples = inRoot('examples/training')

/** What reads TypeScript and runs none of it. Needs the packages built. */
export function typescriptChecks() {
  const typed = ['packages/sdk', 'packages/react', 'examples/dashboard', 'examples/hosts', 'tests']
  return [
    { name: 'lint (biome)', argv: [bin('biome'), 'check', '--error-on-warnings', '.'] },
    { name: 'import directions', argv: [process.execPath, inRoot('scripts/import-directions.mjs')] },
    ...typed.map((path) => ({ name: `types of ${path}`, argv: [bin('tsc'), '-p', inRoot(path)] })),
    {
      name: 'docs of packages/sdk',
      argv: [bin('typedoc'), '--emit', 'none'],
      cwd: inRoot('packages/sdk'),
    },
    { name: 'size of packages/sdk', argv: [process.execPath, inRoot('scripts/sdk-sizes.mjs')] },
    {
      name: 'protocol drift',
      argv: [bin('tsx'), 'scripts/write-protocol.ts', '--check'],
      cwd: inRoot('packages/sdk'),
    },
  ]
}

/** What reads Python and runs none of it. */
export function pythonChecks() {
  return [
    { name: 'lint (ruff)', argv: [inPython('ruff'), 'check', bridge, examples] },
    { name: 'format (ruff)', argv: [inPython('ruff'), 'format', '--check', bridge, examples] },
    { name: 'types (mypy)', argv: [inPython('mypy')], cwd: bridge },
  ]
}

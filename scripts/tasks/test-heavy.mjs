import { inRoot } from '../paths.mjs'
import { build } from '../setup/build.mjs'
import { installNodePackages } from '../setup/node-packages.mjs'
import { requirePgbouncer } from '../setup/pgbouncer.mjs'
import { installPython, python } from '../setup/python-environment.mjs'
import { runLanes } from '../steps.mjs'

const bridge = (name, env, ...more) => ({
  name,
  argv: [python, '-m', 'pytest', '-q', '-n', '2', ...more],
  cwd: inRoot('packages/python-bridge'),
  env,
})

/**
 * What takes long or needs much of the machine: the bridge's tests that are marked `heavy`, and what concerns the store
 * once more with PostgreSQL behind a PgBouncer that lends its connections for one transaction.
 */
export async function run() {
  const [pgbouncer] = await Promise.all([
    requirePgbouncer(),
    installNodePackages(),
    installPython({ forTests: true }),
  ])
  await build()
  const env = { TRAINSTOP_PGBOUNCER: pgbouncer }
  const server = (name) => `src/trainstop/server/${name}`
  await runLanes([
    [
      bridge('heavy tests of packages/python-bridge', env, '-m', 'heavy'),
      bridge(
        'tests of the store behind PgBouncer',
        { ...env, TRAINSTOP_TESTS_THROUGH_PGBOUNCER: '1' },
        ...['-m', 'not heavy', '-k', 'not sqlite'],
        ...[server('store'), server('jobs'), server('routes'), server('two_servers_test.py')],
      ),
    ],
  ])
}

import { PlainError } from '../plain-error.mjs'
import { installDebianPackages } from './debian-package.mjs'
import { runnable } from './runnable.mjs'

const usualPlaces = ['/usr/sbin/pgbouncer', '/usr/local/bin/pgbouncer', '/opt/homebrew/bin/pgbouncer']

/**
 * The path of a PgBouncer for the heavy tests: `TRAINSTOP_PGBOUNCER`, or one that is installed, or Debian's, installed
 * now where we may. Otherwise a plain error: what needs it is never left out in silence.
 */
export async function requirePgbouncer() {
  const wished = process.env.TRAINSTOP_PGBOUNCER
  if (wished) {
    if (!runnable(wished)) throw new PlainError(`TRAINSTOP_PGBOUNCER is ${wished}, which can't be run.`)
    return wished
  }
  if (!usualPlaces.some(runnable)) await installDebianPackages('pgbouncer')
  const found = usualPlaces.find(runnable)
  if (found) return found
  throw new PlainError(
    'The heavy tests need PgBouncer, and none was found. Install it (Debian: sudo apt install pgbouncer) or name one ' +
      'with TRAINSTOP_PGBOUNCER=/path/to/pgbouncer.',
  )
}

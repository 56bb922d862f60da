import { execute } from '../command.mjs'
import { PlainError } from '../plain-error.mjs'
import { installDebianPackages } from './debian-package.mjs'

/**
 * The shells whose completion is tested: found, or Debian's, installed now where we may. Otherwise a plain error: what
 * a shell completes is never left out in silence.
 */
export async function requireShells() {
  for (const shell of ['bash', 'zsh']) {
    if (await runs(shell)) continue
    await installDebianPackages(shell)
    if (!(await runs(shell)))
      throw new PlainError(
        `The tests of the command line's completion need ${shell}, and none was found. Install it ` +
          `(Debian: sudo apt install ${shell}; macOS: brew install ${shell}).`,
      )
  }
}

async function runs(shell) {
  return (await execute([shell, '-c', 'exit 0'], { quiet: true })).code === 0
}

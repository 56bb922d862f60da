import { execute } from './command.mjs'
import { root } from './paths.mjs'
import { PlainError } from './plain-error.mjs'

/**
 * Runs lanes of steps side by side, the steps of a lane one after another. A step is
 * `{ name, argv, cwd?, env? }`. All are run, also after a failure; each prints its output when it ends.
 */
export async function runLanes(lanes) {
  const failed = []
  await Promise.all(
    lanes.map(async (lane) => {
      for (const { name, argv, cwd = root, env = {} } of lane) {
        const begun = performance.now()
        const { code, output } = await execute(argv, { cwd, env, quiet: true })
        const seconds = ((performance.now() - begun) / 1000).toFixed(1)
        console.log(`── ${code === 0 ? 'ok' : 'FAILED'}  ${name}  ${seconds} s\n${output.trimEnd()}`)
        if (code !== 0) failed.push(name)
      }
    }),
  )
  if (failed.length > 0) throw new PlainError(`\nFailed: ${failed.join(', ')}.`)
}

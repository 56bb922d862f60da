import { spawn } from 'node:child_process'
import { root } from './paths.mjs'
import { PlainError } from './plain-error.mjs'

/**
 * Runs a command to its end. With `quiet` its output is kept and shown only when it fails.
 * Resolves to `{ code, output }`; never rejects for a failing command.
 */
export function execute(argv, { cwd = root, env = {}, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(argv[0], argv.slice(1), {
      cwd,
      env: { ...process.env, ...env },
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', (error) => resolve({ code: 127, output: `${output}${error.message}\n` }))
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, output: signal ? `${output}(${signal})\n` : output }),
    )
  })
}

/** Runs a command that must succeed; `problem` is the sentence for when it does not. */
export async function must(argv, problem, options) {
  const { code, output } = await execute(argv, options)
  if (code !== 0) throw new PlainError(`${output}${problem} (\`${argv.join(' ')}\` ended with ${code}.)`)
  return output
}

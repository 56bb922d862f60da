#!/usr/bin/env node
/**
 * One command from a fresh clone: `node scripts/run.mjs <task>` sets up what the task needs and runs it.
 * Needs Node 20.19+, npm and Python 3.11+; no dependency of its own.
 */
import { PlainError } from './plain-error.mjs'

const tasks = {
  demo: 'start the training server and the example dashboard',
  test: 'run every check and test',
  'test-heavy': 'run the tests that need much of the machine',
  check: 'types, lint and protocol drift only',
  build: 'build the packages and the example',
  protocol: 'write packages/sdk/protocol from the schemas',
  docs: "write the SDK's API documentation from its docstrings",
  bench: 'print speed, sizes and memory; name benchmarks to run only those',
}

const [task, ...args] = process.argv.slice(2)
try {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    throw new PlainError(`Node ${process.versions.node} is too old: Trainstop needs Node 20.19 or newer.`)
  if (!Object.hasOwn(tasks, task)) {
    const list = Object.entries(tasks).map(([name, text]) => `  ${name.padEnd(12)}${text}`)
    throw new PlainError(`Say which task to run:\n${list.join('\n')}`)
  }
  const { run } = await import(`./tasks/${task}.mjs`)
  await run(args)
} catch (error) {
  if (!(error instanceof PlainError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
